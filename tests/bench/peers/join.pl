# join.awk in Perl.
use strict;
use warnings;

my (%who, %count);
while (<>) {
	next unless m{^\S+ (?: ?\S+ \S+ )?\S+ postfix/(\S+)\[\d+\]: (\w+): (.*)};
	my ($service, $id, $text) = ($1, $2, $3);
	if ($service eq 'pickup' && $text =~ /^(uid=\d+)/) {
		$who{$id} = $1;
	} elsif ($service =~ /smtpd$/ && $text =~ /(sasl_username=[^,]*)/) {
		$who{$id} = $1;
	} elsif ($text =~ /^to=</ && $text =~ /( status=[a-z]*)/) {
		$count{$who{$id} . $1}++ if exists $who{$id};
	} elsif ($text eq 'removed') {
		delete $who{$id};
	}
}
print "$count{$_} $_\n" for keys %count;
