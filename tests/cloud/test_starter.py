"""The function in statefun.yaml that starts and stops the Flink application for CloudFormation."""

import http.server
import json
import threading
import types
import unittest

from botocore.stub import Stubber
from support import template

NAME = "statefun"


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self):
        self.now = 0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class CloudFormation:
    """Takes the answer that the function puts to its ResponseURL."""

    def __init__(self):
        answers = self.answers = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/answer"
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def starter():
    code = template("statefun.yaml")["Resources"]["Starter"]["Properties"]["Code"]["ZipFile"]
    module = types.ModuleType("index")
    exec(compile(code, "index.py", "exec"), module.__dict__)
    module.time = Clock()
    module.logged = []
    module.print = lambda *words: module.logged.append(" ".join(words))
    return module


class Starter(unittest.TestCase):
    def setUp(self):
        self.cloudformation = CloudFormation()
        self.addCleanup(self.cloudformation.close)
        self.module = starter()
        # It checks requests against the API's own description.
        self.flink = Stubber(self.module.flink)
        self.flink.activate()

    def statuses(self, *statuses):
        for status in statuses:
            detail = {
                "ApplicationARN": "arn:aws:kinesisanalytics:eu-central-1:123456789012:application/statefun",
                "ApplicationName": NAME,
                "RuntimeEnvironment": "FLINK-1_18",
                "ApplicationStatus": status,
                "ApplicationVersionId": 1,
            }
            self.flink.add_response("describe_application", {"ApplicationDetail": detail}, {"ApplicationName": NAME})

    def is_started(self, drops=False):
        run = {
            "ApplicationRestoreConfiguration": {"ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"},
            "FlinkRunConfiguration": {"AllowNonRestoredState": drops},
        }
        self.flink.add_response("start_application", {}, {"ApplicationName": NAME, "RunConfiguration": run})

    def is_stopped(self, **by):
        self.flink.add_response("stop_application", {}, {"ApplicationName": NAME, **by})

    def answer(self, request, runs="true", drops="false", seconds=900):
        event = {
            "RequestType": request,
            "ResponseURL": self.cloudformation.url,
            "StackId": "stack-1",
            "RequestId": "request-1",
            "LogicalResourceId": "FlinkRunning",
            "ResourceProperties": {"ApplicationName": NAME, "Runs": runs, "AllowNonRestoredState": drops},
        }
        context = types.SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)
        self.module.handler(event, context)
        self.flink.assert_no_pending_responses()
        [answer] = self.cloudformation.answers
        self.assertEqual(
            {key: answer[key] for key in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")},
            {
                "StackId": "stack-1",
                "RequestId": "request-1",
                "LogicalResourceId": "FlinkRunning",
                "PhysicalResourceId": NAME,
            },
        )
        return answer["Status"], answer["Reason"]

    def test_starts_a_new_application_and_waits_until_it_runs(self):
        self.statuses("READY")
        self.is_started()
        self.statuses("STARTING", "STARTING", "RUNNING")
        self.assertEqual(self.answer("Create")[0], "SUCCESS")

    def test_drops_states_where_it_is_asked_to(self):
        self.statuses("READY")
        self.is_started(drops=True)
        self.statuses("RUNNING")
        self.assertEqual(self.answer("Update", drops="true")[0], "SUCCESS")

    def test_says_where_to_look_when_it_does_not_start(self):
        self.statuses("READY")
        self.is_started()
        self.statuses("STARTING", "READY")
        status, reason = self.answer("Create")
        self.assertEqual(status, "FAILED")
        self.assertIn("statefun: it did not start and is READY; its log group tells why", reason)

    def test_waits_while_the_service_restarts_what_was_updated(self):
        self.statuses("UPDATING", "UPDATING", "RUNNING")
        self.assertEqual(self.answer("Update")[0], "SUCCESS")

    def test_starts_what_was_stopped_before_an_update(self):
        self.statuses("READY")
        self.is_started()
        self.statuses("RUNNING")
        self.assertEqual(self.answer("Update")[0], "SUCCESS")

    def test_answers_before_its_time_is_over(self):
        self.statuses("READY")
        self.is_started()
        self.statuses(*["STARTING"] * 8)
        status, reason = self.answer("Create", seconds=60)
        self.assertEqual(status, "FAILED")
        self.assertIn("still STARTING", reason)
        self.assertLess(self.module.time.now, 60)

    def test_answers_when_it_may_not(self):
        self.flink.add_client_error("describe_application", "AccessDeniedException", "not allowed")
        status, reason = self.answer("Create")
        self.assertEqual(status, "FAILED")
        self.assertIn("not allowed", reason)

    def test_does_not_start_what_is_not_to_run(self):
        self.statuses("READY")
        self.assertEqual(self.answer("Create", runs="false")[0], "SUCCESS")

    def test_stops_with_a_snapshot_what_is_not_to_run_any_more(self):
        self.statuses("UPDATING", "RUNNING")
        # Not by force, which would take no snapshot.
        self.is_stopped()
        self.statuses("STOPPING", "READY")
        self.assertEqual(self.answer("Update", runs="false")[0], "SUCCESS")

    def test_says_what_to_do_when_it_runs_on_for_want_of_a_snapshot(self):
        self.statuses("RUNNING")
        self.is_stopped()
        self.statuses("STOPPING", "RUNNING")
        status, reason = self.answer("Update", runs="false")
        self.assertEqual(status, "FAILED")
        self.assertIn("statefun: it took no snapshot and still runs", reason)
        self.assertIn("stop-application --application-name statefun --force, then deploy again", reason)

    def test_says_what_to_do_when_it_hangs_in_stopping(self):
        self.statuses("RUNNING")
        self.is_stopped()
        self.statuses(*["STOPPING"] * 8)
        status, reason = self.answer("Update", runs="false", seconds=60)
        self.assertEqual(status, "FAILED")
        self.assertIn("still STOPPING", reason)
        self.assertIn("stop-application --application-name statefun --force, then deploy again", reason)

    def test_stops_with_a_snapshot_when_the_resource_goes(self):
        self.statuses("UPDATING", "RUNNING")
        self.is_stopped()
        self.statuses("STOPPING", "READY")
        self.assertEqual(self.answer("Delete")[0], "SUCCESS")

    def test_stops_by_force_what_goes_and_can_take_no_snapshot(self):
        self.statuses("RUNNING")
        self.is_stopped()
        self.statuses("STOPPING", "RUNNING")
        self.is_stopped(Force=True)
        self.statuses("FORCE_STOPPING", "READY")
        self.assertEqual(self.answer("Delete")[0], "SUCCESS")
        self.assertIn("statefun is stopped by force: it took no snapshot", self.module.logged[0])

    def test_stops_by_force_what_goes_and_takes_too_long(self):
        for status in "STOPPING", "STARTING", "UPDATING":
            with self.subTest(status):
                self.setUp()
                # 900 s, without 30 s for the answer and 300 s for the stop by force, in steps of 5 s.
                self.statuses(*[status] * 116)
                self.is_stopped(Force=True)
                self.statuses("FORCE_STOPPING", "READY")
                self.assertEqual(self.answer("Delete")[0], "SUCCESS")
                self.assertIn(f"statefun is stopped by force: it is still {status}", self.module.logged[0])

    def test_says_when_even_force_does_not_stop_it(self):
        self.statuses("RUNNING")
        self.is_stopped()
        self.statuses("RUNNING")
        self.is_stopped(Force=True)
        self.statuses("FORCE_STOPPING", "RUNNING")
        status, reason = self.answer("Delete")
        self.assertEqual(status, "FAILED")
        self.assertIn("still runs after a stop by force", reason)

    def test_has_nothing_to_stop_where_nothing_runs(self):
        self.statuses("READY")
        self.assertEqual(self.answer("Delete")[0], "SUCCESS")

    def test_forces_nothing_that_it_may_not_stop(self):
        self.statuses("RUNNING")
        self.flink.add_client_error("stop_application", "AccessDeniedException", "not allowed")
        status, reason = self.answer("Delete")
        self.assertEqual(status, "FAILED")
        self.assertIn("not allowed", reason)

    def test_does_not_hold_up_a_stack_whose_application_is_gone(self):
        self.flink.add_client_error("describe_application", "ResourceNotFoundException", "gone")
        self.assertEqual(self.answer("Delete")[0], "SUCCESS")


if __name__ == "__main__":
    unittest.main()
