/* What can be turned: every parameter of the simulated host, with where its default comes from.
 * "3" is the specification that tests/sim/README.md tells of, "A" is an assumption. */
#ifndef MAILAUDIT_TESTS_SIM_KNOBS_H
#define MAILAUDIT_TESTS_SIM_KNOBS_H

#include <stdio.h>

/* X(name, default, source, what it means) */
#define KNOBS(X) \
	X(share_human, 60, "3", "weight of accounts that people write from") \
	X(share_form, 16, "3", "of accounts with a contact form") \
	X(share_shop, 9, "3", "of shops") \
	X(share_forum, 4, "3", "of forums") \
	X(share_newsletter, 4, "3", "of accounts with regular newsletters") \
	X(share_first, 1, "3", "of accounts that send their first newsletter in the period") \
	X(share_burst, 2, "3", "of accounts with an import or password-reset burst") \
	X(share_cron, 4, "3", "of accounts that only report by cron") \
	X(share_list, 0.5, "A", "of mailing lists with VERP") \
	X(share_helpdesk, 0.5, "A", "of help desks") \
	X(share_monitor, 0.5, "A", "of monitoring with alert storms") \
	X(share_saas, 0.2, "A", "of SaaS that sends through SMTP AUTH from hosting networks") \
	X(also_human, 0.3, "A", "share of the other kinds whose owner also writes mail") \
	X(human_median, 4, "3", "messages a day, median over people") \
	X(human_sigma, 1.1, "3", "sigma of its logarithm") \
	X(weekend, 0.25, "3", "part of a working day's mail on Saturday and Sunday") \
	X(human_new_low, 0.03, "3", "share of recipients never written to before") \
	X(human_new_high, 0.15, "3", "its upper end") \
	X(human_fail_low, 0.005, "3", "share of recipients that do not exist") \
	X(human_fail_high, 0.03, "3", "its upper end") \
	X(contacts_median, 60, "A", "correspondents a person has at the start") \
	X(mobile, 0.25, "3", "share of people who also send from a mobile network") \
	X(mobile_use, 0.3, "A", "share of their messages sent from it") \
	X(dynamic_ip, 0.5, "A", "share of access networks that give a new address each day") \
	X(webmail, 0.2, "A", "share of people who use webmail (127.0.0.1 with SASL)") \
	X(trip, 0.004, "3", "a journey abroad begins, per day; 3 to 15 days") \
	X(vpn, 0.02, "3", "share of people who hop through VPN exits of many countries") \
	X(isp_change, 0.0003, "A", "a new access provider, per day (about one in nine years)") \
	X(move_abroad, 0.00005, "A", "the customer moves to another country, per day") \
	X(new_device, 0.001, "A", "a new mail program with another HELO, per day") \
	X(club, 0.1, "A", "share of people who write to their club now and then") \
	X(club_day, 0.02, "A", "they do so today: 40 to 300 recipients (3)") \
	X(vacation, 0.002, "A", "an autoresponder is switched on, per day; 5 to 14 days") \
	X(forward, 0.05, "A", "share of people whose mailbox is forwarded elsewhere") \
	X(forward_spam, 0.05, "A", "share of forwarded mail that the other side refuses as spam") \
	X(inbound, 2, "A", "messages a day that a person receives, mean") \
	X(inbound_null, 0.01, "A", "share of them that are harmless null-sender mail") \
	X(form_daily, 0.7, "A", "honest uses of a contact form a day, mean") \
	X(form_spam_day, 0.02, "3", "a day with 30 to 400 form-spam hits") \
	X(form_copy, 0.3, "3", "share of forms that send a copy to who filled them in") \
	X(owner_outside, 0.5, "A", "share of site owners who read their mail elsewhere") \
	X(wordpress, 0.45, "A", "share of sites that send through WordPress' PHPMailer") \
	X(script_update, 0.003, "A", "a developer changes the script, per day") \
	X(script_move, 0.1, "A", "share of these changes that give the form a new file") \
	X(eval, 0.03, "A", "share of sites whose own mail() is in eval()'d code (old templates)") \
	X(cache_plugin, 0.02, "A", "share of sites with a plugin below wp-content/uploads/cache") \
	X(shop_median, 12, "3", "orders a day, median over shops; three mails each") \
	X(shop_sale, 0.02, "A", "a sale day, with 4 to 10 times the orders (3)") \
	X(shop_freemail, 0.65, "3", "share of buyers with a freemail address") \
	X(forum_posts, 6, "A", "posts a day that notify subscribers, mean") \
	X(forum_stale_low, 0.01, "3", "share of subscribers whose address is dead") \
	X(forum_stale_high, 0.06, "3", "its upper end") \
	X(news_median, 700, "3", "subscribers of a newsletter, median; at most news_max") \
	X(news_sigma, 1.2, "A", "sigma of its logarithm") \
	X(news_max, 20000, "3", "most subscribers") \
	X(news_fail_low, 0.004, "3", "share of dead addresses in a first issue") \
	X(news_fail_high, 0.08, "3", "its upper end") \
	X(news_smtp, 0.4, "A", "share of newsletters sent by SMTP AUTH") \
	X(news_smtp_away, 0.25, "A", "share of those that leave from a service's hosting network") \
	X(burst_day, 0.02, "A", "an import or reset burst of 50 to 1500 messages (3), per day") \
	X(burst_fail_low, 0.02, "3", "share of dead addresses in it") \
	X(burst_fail_high, 0.15, "3", "its upper end") \
	X(list_posts, 4, "A", "posts a day on a mailing list, mean; 30 to 400 members") \
	X(desk_tickets, 25, "A", "tickets a day at a help desk, mean") \
	X(storm_day, 0.02, "A", "an alert storm of 50 to 500 messages in an hour, per day") \
	X(saas_median, 120, "A", "messages a day of a SaaS, median") \
	X(grey, 0.07, "3", "share of first deliveries to a new recipient that are greylisted") \
	X(defer, 0.005, "A", "share of deliveries that meet a temporary failure") \
	X(remote_spam, 0.0005, "A", "share of benign messages answered as spam or by policy") \
	X(remote_fail, 0.003, "A", "share of benign script messages to addresses that died") \
	X(late, 0.2, "3", "share of failures that come as a later bounce, Exp(1 h)") \
	X(answer_mean, 8, "3", "seconds to the answer of the other server, exponential mean") \
	X(spam_unknown, 0.25, "3", "share of dead addresses in a spam list, mean") \
	X(spam_unknown_sigma, 0.12, "3", "its deviation, clipped to 0.03 to 0.6") \
	X(spam_refused, 0.2, "3", "at most this share of answers calls the mail spam") \
	X(bot_helo, 0.75, "A", "share of stolen logins used with a HELO that no mail program has") \
	X(attack_hours, 24, "3", "how long an attack goes on") \
	X(attack_messages, 4000, "A", "messages of an attack at most, so that logs stay readable") \
	X(attack_recipients, 40000, "A", "recipients of an attack at most") \
	X(botnet_addresses, 342, "3", "addresses of a botnet (Vasko/Vnet)") \
	X(botnet_countries, 41, "3", "their countries (Vasko/Vnet)") \
	X(headers, 2, "A", "2: Postfix logs Subject and To by etc/snippets, Exim Subject; 0: none") \
	X(noise, 0, "A", "Postfix: log connect and disconnect, too") \
	X(cwd, 1, "A", "Exim: log cwd= of local submissions, with +pid") \
	X(gap_day, 0.02, "A", "chance that the log lacks 1 to 30 minutes of a day")

struct knobs {
#define KNOB_MEMBER(name, preset, source, help) double name;
	KNOBS(KNOB_MEMBER)
#undef KNOB_MEMBER
};

extern struct knobs knobs;

/* "name=value" or "name*factor"; NULL, or what is wrong with it. */
const char *knob_set(const char *text);
/* Lines of the same, blank lines and # comments; NULL, or what is wrong. */
const char *knobs_read(const char *path);
/* "name default source meaning", one a line, tabs between. */
void knobs_list(FILE *out);

#endif
