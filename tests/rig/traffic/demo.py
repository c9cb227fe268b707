"""The story that `--demo` tells. A quiet shared host: orders, a newsletter, a contact form, people at
their mail programs, a forwarded mail. Then someone finds that alice's form takes any header and sends
through it, and someone else has the password of info@shop.example and uses it from four networks."""
import random
import time

import control
from settle import settle

# seconds the story takes, at pace 1
MORNING, ABUSE = 150, 110

STOLEN_FROM = ["203.0.113.66", "198.51.100.140", "192.0.2.201", "203.0.113.150"]
SPAM = ["Your parcel is waiting", "Last reminder", "Account verification"]


class Story:
    def __init__(self, mix, pace=1.0):
        self.mix, self.pace, self.random = mix, pace, random.Random(7)
        self.form_count = 0

    def pause(self, low, high):
        time.sleep(self.random.uniform(low, high) * self.pace)

    def visitor(self):
        token = self.mix.truth.token()
        owner = "owner@dest.example"
        self.mix.php("contact", {"to": owner, "subject": "Contact form", "email": "%s@isp.example" % token},
                     [owner], "Contact form", token, note="an honest visitor", group="form")

    def order(self):
        token = self.mix.truth.token()
        to = "%s@%s" % (token, self.random.choice(["dest.example", "dest2.example"]))
        number = 2000 + int(token[1:])
        self.mix.php("order", {"to": to, "order": number}, [to], "Your order %d" % number, token,
                     sender="orders@shop.example")

    def ride(self):
        token = self.mix.truth.token()
        to = "%s@dest3.example" % token
        self.mix.php("wpform", {"to": to, "subject": "New inquiry"}, [to], "New inquiry", token,
                     sender="wordpress@bobs-bikes.example")

    def person(self):
        login, client = self.random.choice([("info@alice-crafts.example", "203.0.113.31"),
                                            ("office@bobs-bikes.example", "203.0.113.32"),
                                            ("info@shop.example", "203.0.113.33"),
                                            ("dave@dave-blog.example", "203.0.113.34")])
        domain = self.random.choice(["dest.example", "dest2.example", "dest2.example", "grey.example"])
        self.mix.auth(login, client, recipients=["TOKEN@" + domain])

    def morning(self):
        events = [self.order] * 5 + [self.person] * 6 + [self.visitor] * 2 + [self.ride] * 2
        self.random.shuffle(events)
        self.mix.php_newsletter(6)
        step = MORNING / (len(events) + 2)
        for event in events:
            self.pause(step * 0.4, step * 1.6)
            event()
        self.mix.inbound("forward@bobs-bikes.example", "forwarded to bob.private@dest2.example")

    def injected(self):
        """The owner still gets the mail; the Bcc reaches strangers, many of them long gone."""
        token = self.mix.truth.token()
        owner = "owner@dest.example"
        victims = ["%s-%d@%s" % (token, n, self.random.choice(["dest2.example", "list.example", "nouser.example",
                                                               "spamtrap.example"])) for n in range(3)]
        subject = self.random.choice(SPAM)
        self.mix.php("contact", {"to": owner, "subject": subject, "text": "http://spam.example/",
                                 "email": "win@spam.example\r\nBcc: " + ",".join(victims)},
                     [owner] + victims, subject, token, note="injected Bcc", client="198.51.100.140")

    def stolen(self, number):
        client = STOLEN_FROM[number % len(STOLEN_FROM)]
        domains = self.random.sample(["list.example", "nouser.example", "dest3.example", "spamtrap.example"], 2)
        self.mix.auth("info@shop.example", client, "the password is stolen", subject=self.random.choice(SPAM),
                      recipients=["TOKEN%s@%s" % ("" if n == 0 else "-%d" % n, d) for n, d in enumerate(domains)])

    def abuse(self):
        step = ABUSE / 20
        for number in range(20):
            if number % 2:
                self.stolen(number // 2)
            else:
                self.injected()
            if number % 7 == 3:
                self.order()
            self.pause(step * 0.3, step * 1.2)


def run(mix, pace=1.0):
    control.later_accepts(False)
    told = Story(mix, pace)
    told.morning()
    told.abuse()
    settle()
