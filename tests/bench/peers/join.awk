# What an administrator writes by hand: recipients sent, deferred and bounced of each submitter, from
# Postfix's log, joined by queue id. Nothing is stored, and nothing else of the mail is known.
{ tag = $1 ~ /T/ ? 3 : 5 }
$tag ~ /^postfix\// {
	id = substr($(tag + 1), 1, length($(tag + 1)) - 1)
	word = $(tag + 2)
	if ($tag ~ /\/pickup\[/ && word ~ /^uid=/)
		who[id] = word
	else if ($tag ~ /smtpd\[/ && match($0, /sasl_username=[^,]*/))
		who[id] = substr($0, RSTART, RLENGTH)
	else if (word ~ /^to=</ && match($0, / status=[a-z]*/)) {
		if (id in who)
			count[who[id] substr($0, RSTART, RLENGTH)]++
	} else if (word == "removed")
		delete who[id]
}
END {
	for (key in count)
		print count[key], key
}
