"""Setting up without a browser and by the first visit; sessions, tokens and the rule against cross-site requests."""
import json
import re
import unittest

from harness import EMAIL, PASSWORD, MainstayTest, Server, log_line, mainstay, must


class ByCommandLine(MainstayTest):
    def setUp(self):
        super().setUp()
        self.data = self.home / "data"

    def create_everything(self):
        owner = json.loads(must("admin", "owner", "create", "--email", EMAIL, "--password-stdin", stdin=PASSWORD + "\n",
                                data=self.data))
        site = must("admin", "site", "create", "--domain", "example.com", "--timezone", "Europe/Berlin", data=self.data)
        token = must("admin", "token", "create", "--email", EMAIL, "--name", "script", data=self.data)
        self.assertEqual(owner["email"], EMAIL)
        self.assertEqual(site.count("\n"), 1, "one JSON object on one line")
        site = json.loads(site)
        self.assertEqual(set(site), {"id", "key", "domain"})
        self.assertTrue(all(isinstance(value, str) and value for value in site.values()), site)
        self.assertEqual(site["domain"], "example.com")
        for name in (site["id"], "example.com"):
            self.assertEqual(json.loads(must("admin", "site", "show", "--site", name, data=self.data)), site)
        self.assertRegex(token, r"\Ams_\S+\n\Z")
        return site, token.strip()

    def check_that_they_serve(self, server, site, token):
        server.token = token
        found = server.ask("GET", f"/api/v1/sites/{site['id']}")
        self.assertEqual((found["domain"], found["timezone"], found["key"]), ("example.com", "Europe/Berlin", site["key"]))
        self.assertEqual(server.hit(site).status, 204)
        self.assertEqual(server.count(site), 1)
        session = server.request("GET", "/api/v1/session").json()
        self.assertEqual(session, {"user": None, "setup_required": False})

    def test_everything_is_set_up_while_no_server_runs(self):
        site, token = self.create_everything()
        server = Server(self.data)
        self.addCleanup(server.stop)
        self.check_that_they_serve(server.start(), site, token)

    def test_everything_is_set_up_through_the_socket_of_a_running_server(self):
        server = Server(self.data)
        self.addCleanup(server.stop)
        server.start()
        self.check_that_they_serve(server, *self.create_everything())

    def test_a_key_is_renewed_while_the_server_runs_or_not(self):
        site, token = self.create_everything()
        server = Server(self.data)
        self.addCleanup(server.stop)
        renew = ("admin", "site", "renew-key", "--site", "example.com")
        second = json.loads(must(*renew, data=self.data))
        server.start()
        server.token = token
        third = json.loads(must(*renew, data=self.data))
        fourth = server.ask("POST", f"/api/v1/sites/{site['id']}/key")
        self.assertEqual({each["id"] for each in (second, third, fourth)}, {site["id"]})
        self.assertEqual(len({each["key"] for each in (site, second, third, fourth)}), 4)

        def log(key):
            return server.request("POST", f"/api/v1/beacon/log?site={site['id']}", log_line(1), {"X-Site-Key": key})
        for each in (site, second, third):
            self.assertProblem(log(each["key"]), 403, "analytics.wrong_site_key")
        self.assertEqual(log(fourth["key"]).json()["accepted"], 1)

    def test_what_is_wrong_is_said_and_fails(self):
        self.create_everything()
        cases = [
            (("admin", "site", "create", "--domain", "https://x.example/", "--timezone", "Etc/UTC"), "", "/domain"),
            (("admin", "site", "create", "--domain", "x.example", "--timezone", "Mars/Olympus"), "", "/timezone"),
            (("admin", "site", "create", "--domain", "example.com", "--timezone", "Etc/UTC"), "", "already"),
            (("admin", "site", "renew-key", "--site", "x.example"), "", "site"),
            (("admin", "token", "create", "--email", "nobody@x.example", "--name", "n"), "", "user"),
            (("admin", "owner", "create", "--email", "b@x.example", "--password-stdin"), "123\n", "password"),
        ]
        for arguments, stdin, word in cases:
            with self.subTest(arguments):
                done = mainstay(*arguments, stdin=stdin, data=self.data)
                self.assertNotEqual(done.returncode, 0)
                self.assertEqual(done.stdout, "")
                self.assertIn(word, done.stderr.lower() if word.islower() else done.stderr)

    def test_wrong_arguments_end_with_1_and_name_what_is_wrong(self):
        for arguments, named in [(("frobnicate",), "frobnicate"), (("import", "log"), "files"), (("serve", "--nope"), "--nope"),
                                 (("admin", "site", "show", "--site", "nobody.example", "--data", self.data), "no such site")]:
            with self.subTest(arguments=arguments):
                done = mainstay(*arguments)
                self.assertEqual(done.returncode, 1)
                self.assertIn(named, done.stderr)

    def test_the_data_folder_is_for_its_owner_only(self):
        self.create_everything()
        self.assertEqual(self.data.stat().st_mode & 0o077, 0)


class ByFirstVisit(MainstayTest):
    def setUp(self):
        super().setUp()
        self.server = Server(self.home / "data")
        self.addCleanup(self.server.stop)
        self.server.start()
        self.origin = f"http://127.0.0.1:{self.server.port}"

    def set_up(self, **changed):
        body = {"name": "Ada", "email": EMAIL, "password": PASSWORD, **changed}
        return self.server.request("POST", "/api/v1/setup", body, {"Origin": self.origin})

    def cookie_of(self, answer):
        return answer.headers["Set-Cookie"].split(";")[0]

    def test_the_first_visit_makes_the_owner_and_the_second_is_refused(self):
        self.assertEqual(self.server.request("GET", "/api/v1/session").json(), {"user": None, "setup_required": True})
        made = self.set_up()
        self.assertEqual(made.status, 201, made)
        user = made.json()["user"]
        self.assertEqual((user["name"], user["email"], set(user)), ("Ada", EMAIL, {"id", "name", "email", "role"}))
        again = self.server.request("GET", "/api/v1/session", headers={"Cookie": self.cookie_of(made)}).json()
        self.assertEqual(again, {"user": user, "setup_required": False})
        self.assertProblem(self.set_up(email="eve@harbour.example"), 409, "identity.already_set_up")

    def test_input_of_the_set_up_is_checked(self):
        self.assertProblem(self.set_up(email="nobody"), 400, "identity.bad_email", "/email")
        self.assertProblem(self.set_up(password="short"), 400, "identity.weak_password", "/password")
        self.assertProblem(self.set_up(name=""), 400, "identity.bad_name", "/name")
        self.assertTrue(self.server.request("GET", "/api/v1/session").json()["setup_required"])

    def test_a_session_is_opened_and_closed(self):
        self.set_up()
        wrong = {"email": EMAIL, "password": PASSWORD + "!"}
        self.assertProblem(self.server.request("POST", "/api/v1/session", wrong, {"Origin": self.origin}), 401,
                           "identity.bad_credentials")
        opened = self.server.request("POST", "/api/v1/session", {"email": EMAIL, "password": PASSWORD},
                                     {"Origin": self.origin})
        self.assertEqual(opened.status, 201, opened)
        flags = opened.headers["Set-Cookie"]
        self.assertIn("HttpOnly", flags)
        self.assertIn("SameSite=Lax", flags)
        self.assertIn("Path=/", flags)
        cookie = {"Cookie": self.cookie_of(opened), "Origin": self.origin, "X-Mainstay-Request": "1"}
        self.assertEqual(self.server.request("GET", "/api/v1/sites", headers=cookie).status, 200)
        self.assertEqual(self.server.request("DELETE", "/api/v1/session", headers=cookie).status, 204)
        self.assertEqual(self.server.request("GET", "/api/v1/sites", headers=cookie).status, 401)

    def test_a_session_outlives_a_restart(self):
        cookie = self.cookie_of(self.set_up())
        self.server.restart()
        session = self.server.request("GET", "/api/v1/session", headers={"Cookie": cookie}).json()
        self.assertEqual(session["user"]["email"], EMAIL)

    def test_a_change_by_cookie_needs_the_same_origin_and_the_header(self):
        cookie = {"Cookie": self.cookie_of(self.set_up())}
        body = {"domain": "example.com", "timezone": "Etc/UTC"}

        def post(**headers):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return self.server.request("POST", "/api/v1/sites", body, {**cookie, **named})

        own = self.origin
        self.assertProblem(post(), 403, "http.cross_origin")
        self.assertProblem(post(X_Mainstay_Request="1"), 403, "http.cross_origin")
        self.assertProblem(post(X_Mainstay_Request="1", Origin="https://evil.example"), 403, "http.cross_origin")
        self.assertProblem(post(X_Mainstay_Request="1", Origin=own, Sec_Fetch_Site="cross-site"), 403, "http.cross_origin")
        self.assertProblem(post(X_Mainstay_Request="1", Origin="null"), 403, "http.cross_origin")
        self.assertProblem(post(Origin=own), 403, "http.missing_request_header")
        self.assertEqual(self.server.request("GET", "/api/v1/sites", headers=cookie).json()["items"], [])
        self.assertEqual(post(X_Mainstay_Request="1", Origin=own).status, 201)

    def test_tokens_are_shown_once_and_can_be_revoked(self):
        cookie = {"Cookie": self.cookie_of(self.set_up()), "Origin": self.origin, "X-Mainstay-Request": "1"}
        made = self.server.request("POST", "/api/v1/tokens", {"name": "ci"}, cookie)
        self.assertEqual(made.status, 201, made)
        token = made.json()
        self.assertTrue(token["token"].startswith(token["prefix"]), token)
        bearer = {"Authorization": "Bearer " + token["token"]}
        self.assertEqual(self.server.request("GET", "/api/v1/sites", headers=bearer).status, 200)
        listed = self.server.request("GET", "/api/v1/tokens", headers=cookie).json()["items"]
        self.assertEqual([item["id"] for item in listed], [token["id"]])
        self.assertNotIn("token", listed[0])
        self.assertEqual(self.server.request("DELETE", f"/api/v1/tokens/{token['id']}", headers=cookie).status, 204)
        self.assertProblem(self.server.request("GET", "/api/v1/sites", headers=bearer), 401, "identity.bad_token")

    def test_nobody_signs_in_over_plain_http_from_another_machine(self):
        """A proxy may put in a local Host; what it says of its client counts."""
        outside = {"X-Forwarded-For": "8.8.8.8"}
        encrypted = {**outside, "X-Forwarded-Proto": "https"}
        owner = {"name": "Ada", "email": EMAIL, "password": PASSWORD}
        known = {"email": EMAIL, "password": PASSWORD}
        for path, body, made in (("/api/v1/setup", owner, self.set_up), ("/api/v1/session", known, lambda: None)):
            for host in (f"127.0.0.1:{self.server.port}", "localhost", "stats.example.com"):
                refused = self.server.request("POST", path, body, {**outside, "Host": host})
                self.assertProblem(refused, 403, "identity.insecure_transport")
                self.assertNotIn("Set-Cookie", refused.headers)
            made()
        for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"Host": "localhost"}):
            self.assertEqual(self.server.request("POST", "/api/v1/session", known, headers).status, 201, headers)
        opened = self.server.request("POST", "/api/v1/session", known, {**encrypted, "Host": "stats.example.com"})
        self.assertEqual(opened.status, 201, opened)
        self.assertIn("; Secure", opened.headers["Set-Cookie"])
        # Nor does a cookie of this machine open anything elsewhere.
        cookie = {"Cookie": self.cookie_of(self.server.request("POST", "/api/v1/session", known))}
        self.assertEqual(self.server.request("GET", "/api/v1/sites", headers=cookie).status, 200)
        self.assertEqual(self.server.request("GET", "/api/v1/sites", headers={**cookie, **outside}).status, 401)

    def test_many_wrong_passwords_are_slowed_down(self):
        self.set_up()
        statuses = []
        for _ in range(50):
            wrong = self.server.request("POST", "/api/v1/session", {"email": EMAIL, "password": "not this one, ever"},
                                        {"Origin": self.origin})
            statuses.append(wrong.status)
            if wrong.status == 429:
                self.assertProblem(wrong, 429, "identity.throttled")
                self.assertGreater(int(wrong.headers["Retry-After"]), 0)
                break
        self.assertEqual(statuses[-1], 429, statuses)

    def test_without_an_account_nothing_but_the_public_is_open(self):
        for method, path in [("GET", "/api/v1/sites"), ("POST", "/api/v1/sites"), ("GET", "/api/v1/tokens"),
                             ("POST", "/api/v1/analytics/classify"), ("POST", "/api/v1/admin/owners")]:
            answer = self.server.request(method, path, {} if method == "POST" else None)
            self.assertEqual((answer.status, answer.code), (401, "http.sign_in_required"), (method, path))

    def test_the_admin_routes_are_not_for_the_network(self):
        cookie = {"Cookie": self.cookie_of(self.set_up()), "Origin": self.origin, "X-Mainstay-Request": "1"}
        body = {"email": "eve@harbour.example", "password": PASSWORD}
        self.assertProblem(self.server.request("POST", "/api/v1/admin/owners", body, cookie), 403, "admin.local_only")
        self.assertProblem(self.server.request("POST", "/api/v1/admin/sites/find", {"site": "example.com"}, cookie), 403, "admin.local_only")


class Commands(MainstayTest):
    def test_version(self):
        self.assertRegex(must("version"), r"\Amainstay \d+\.\d+\S*\n\Z")

    def test_help_teaches_every_command(self):
        text = must("--help")
        for word in ("serve", "admin", "import", "config", "version"):
            self.assertIn(word, text)
        self.assertIn("--listen", must("serve", "--help"))
        self.assertIn("--json", must("import", "log", "--help"))
        self.assertIn("--password-stdin", must("admin", "owner", "create", "--help"))

    def test_config_check_says_yes_or_names_the_fault(self):
        good = self.home / "good.toml"
        good.write_text('listen = "127.0.0.1:9999"\n[log]\nlevel = "warning"\n')
        self.assertIn("right", must("config", "check", "--config", good))
        self.assertIn("127.0.0.1:9999", must("config", "show", "--config", good))

    def test_an_unknown_key_is_an_error_that_names_the_nearest(self):
        bad = self.home / "bad.toml"
        bad.write_text('[log]\nlevle = "info"\n')
        for done in (mainstay("config", "check", "--config", bad), mainstay("serve", "--config", bad, data=self.home / "d"),
                     mainstay("config", "check", env={"MAINSTAY_LOG_LEVLE": "info"}),
                     mainstay("config", "check", "--set", "log.levle=info")):
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, re.compile("log[._]level", re.I))

    def test_a_bad_value_is_an_error_that_names_its_place(self):
        bad = self.home / "bad.toml"
        bad.write_text('\n[limits]\nconnections_max = "many"\n')
        done = mainstay("config", "check", "--config", bad)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("bad.toml:3", done.stderr)

    def test_config_check_names_the_files_that_serve_could_not_read(self):
        chain, key = self.home / "chain.pem", self.home / "absent.pem"
        chain.write_text("")
        tls = ["--set", f"tls.certificate={chain}", "--set", f"tls.key={key}"]
        for command in (["config", "check", *tls], ["serve", *tls, "--data", self.home / "d"]):
            done = mainstay(*command)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(f"tls.key: the file {key} cannot be read", done.stderr)
            self.assertNotIn("tls.certificate", done.stderr)
        done = mainstay("config", "check", "--set", f"analytics.geo_database={self.home}/cities.mmdb")
        self.assertEqual(done.returncode, 1)
        self.assertIn("analytics.geo_database", done.stderr)
        key.write_text("")
        self.assertIn("right", must("config", "check", *tls))

    def test_secrets_are_masked(self):
        shown = must("config", "show", "--set", "sql.url=postgres://keel:hush-hush@db.example/mainstay")
        self.assertIn("db.example", shown)
        self.assertNotIn("hush-hush", shown)

    def test_flags_win_over_variables_and_those_over_the_file(self):
        file = self.home / "m.toml"
        file.write_text('drain_ms = 1000\n')
        self.assertIn("drain_ms = 1000", self.squeezed(must("config", "show", "--config", file)))
        self.assertIn("drain_ms = 2000", self.squeezed(must("config", "show", "--config", file, env={"MAINSTAY_DRAIN_MS": "2000"})))
        self.assertIn("drain_ms = 3000", self.squeezed(must("config", "show", "--config", file, "--set", "drain_ms=3000",
                                                           env={"MAINSTAY_DRAIN_MS": "2000"})))

    @staticmethod
    def squeezed(shown):
        """Durations in milliseconds, whatever unit they are shown in."""
        return re.sub(r'"(\d+) ?s"', lambda found: f"{found.group(1)}000", re.sub(r" +", " ", shown)).replace('"', "").replace(" ms", "").replace("ms\n", "\n")


if __name__ == "__main__":
    unittest.main()
