#!/usr/bin/env python3
"""The mails about alerts in a real browser: nothing is clipped, and nothing lies on something else.

    mail_browser.py BUILD_DIR

Chromium, without a window, lays out the HTML of each kind of mail in each language, as wide as a telephone and as
wide as a desk's mail program; of names as they were captured, and of long ones without a blank. A page of
iframes asks it where everything came to lie. A page that is clipped and one that overlaps must be told
apart from those, or the test is worth nothing."""

import email
import email.policy
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mail_format  # noqa: E402

CHROMIUM = "chromium"
WIDTHS = (360, 900)
HOSTS = ("detect-form", "detect-botnet")
LONG = "/home/alice/" + "averyveryverylongname" * 12 + ".php"

# Elements that hold text themselves. One that is wider than its box hides some of it, or makes the whole
# mail wider than the window; two that share a part of the window hide each other.
SCRIPT = """
function texts(doc) {
  return Array.from(doc.querySelectorAll("td,th,p,li,h1,h2")).filter(
    e => !e.querySelector("td,th,p,li,h1,h2") && e.textContent.trim());
}
function look(frame) {
  const doc = frame.contentDocument, width = frame.clientWidth, wrong = [];
  const name = e => e.tagName + " " + e.textContent.trim().slice(0, 40);
  if (doc.scrollingElement.scrollWidth > width)
    wrong.push("is " + doc.scrollingElement.scrollWidth + " wide");
  const boxes = texts(doc).map(e => [e, e.getBoundingClientRect()]);
  for (const [e, box] of boxes) {
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth) wrong.push("clips " + name(e));
    if (box.right > width + 1 || box.left < -1) wrong.push("leaves the window: " + name(e));
  }
  for (let i = 0; i < boxes.length; i++)
    for (let j = i + 1; j < boxes.length; j++) {
      const [a, b] = [boxes[i][1], boxes[j][1]];
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
          Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2)
        wrong.push("overlap: " + name(boxes[i][0]) + " / " + name(boxes[j][0]));
    }
  return {name: frame.title, texts: boxes.length, wrong: wrong.slice(0, 5)};
}
window.onload = () => {
  const found = Array.from(document.querySelectorAll("iframe")).map(look);
  document.getElementById("found").textContent = JSON.stringify(found);
};
"""


def lay_out(folder, pages):
    """{(name, width): what the browser says} of pages: {name: HTML}."""
    frames = "".join(
        '<iframe title="%s %d" style="width:%dpx;height:600px;border:0" srcdoc="%s"></iframe>'
        % (html.escape(name), width, width, html.escape(text))
        for name, text in pages.items() for width in WIDTHS)
    path = os.path.join(folder, "page.html")
    with open(path, "w", encoding="utf-8") as f:
        f.write('<!DOCTYPE html><meta charset="utf-8"><pre id="found"></pre><script>%s</script>%s'
                % (SCRIPT, frames))
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--user-data-dir=" + os.path.join(folder, "profile"), "--dump-dom", "file://" + path],
        capture_output=True, text=True, timeout=200, check=False)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    if not found or not found.group(1):
        raise AssertionError("chromium: exit %d: %s" % (done.returncode, done.stderr[-1500:]))
    return {row["name"]: row for row in json.loads(html.unescape(found.group(1)))}


class Browser(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="mailaudit-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def mails(self, host):
        """{name: HTML} of all mails of a host, in all languages."""
        found = {}
        for language in mail_format.LANGUAGES:
            for what, alerts in host.kinds():
                raw = host.compose(language, what, *alerts)
                mail = email.message_from_bytes(raw, policy=email.policy.default)
                found["%s %s %s" % (language, what, " ".join(map(str, alerts)))] = \
                    mail.get_body(("html",)).get_content()
        return found

    def expect_clean(self, pages):
        found = lay_out(self.folder, pages)
        self.assertEqual(len(found), len(pages) * len(WIDTHS))
        for name, row in found.items():
            with self.subTest(name):
                self.assertGreater(row["texts"], 3)
                self.assertEqual(row["wrong"], [])

    def test_captured_hosts(self):
        for case in HOSTS:
            self.expect_clean(self.mails(mail_format.Host(self.folder, case)))

    def test_long_names(self):
        host = mail_format.Host(self.folder, HOSTS[0])
        host.write(LONG)
        self.expect_clean(self.mails(host))

    def test_what_is_wrong_is_seen(self):
        found = lay_out(self.folder, {
            "wide": "<p>a</p><p>b</p><p>c</p><p style='width:1200px'>d</p>",
            "clipped": "<p style='width:50px;overflow:hidden;white-space:nowrap'>much too long a text</p>",
            "overlaps": "<p>above</p><p style='margin-top:-30px'>below</p>",
        })
        for name, word in (("wide", "wide"), ("clipped", "clips"), ("overlaps", "overlap")):
            for width in WIDTHS:
                self.assertIn(word, " ".join(found["%s %d" % (name, width)]["wrong"]))


def main():
    mail_format.BUILD = os.path.abspath(sys.argv.pop(1))
    if not shutil.which(CHROMIUM):
        print("no chromium")
        sys.exit(77)
    if "+gmime" not in mail_format.run(os.path.join(mail_format.BUILD, "mailaudit"),
                                       "--version").decode():
        print("mailaudit was built without GMime")
        sys.exit(77)
    unittest.main()


if __name__ == "__main__":
    main()
