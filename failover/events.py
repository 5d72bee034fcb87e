"""Everything the daemon can say of itself: one table of events, and nothing else is ever logged (rule O4).

One row is one event: its name, its MESSAGE_ID (made once, never changed: people search and alert by it), its level,
one plain sentence, the fields it carries, and what the message catalogue explains (`journalctl -x`).  The file is
long because it is that one table.  Pure: values in, values out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from uuid import UUID


class Level(Enum):
    """How much an event matters; the value is the journal's PRIORITY."""

    CRITICAL = 2  # a person is needed now
    ERROR = 3
    WARNING = 4  # an administrator should read it
    NOTICE = 5  # something changed
    INFO = 6  # routine

    @property
    def word(self) -> str:
        return self.name.lower()


CONVENTIONAL = frozenset({"platform", "incident", "channel", "reason", "traceback"})
"""Fields that every event may carry, whether its row names them or not."""

INSTANTS = frozenset({"until", "again_at", "due", "declared_at"})
"""Fields given in seconds since the epoch and told as a time (UTC)."""

SPANS = frozenset({"duration", "dwell", "seconds"})
"""Fields given in seconds; the sentence tells them as `14m2s`, the field stays a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One row.  `fields` must be given, `optional` may; a `[part]` of the sentence is left out where its field is.

    Each field travels as FAILOVER_<FIELD>.  `happened`, `follows` and `advice` are the catalogue's three paragraphs;
    a `{field}` in them is filled in by journalctl from the entry.
    """

    name: str
    message_id: UUID
    level: Level
    sentence: str
    fields: tuple[str, ...]
    optional: tuple[str, ...]
    happened: str
    follows: str
    advice: str

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()


class EventMistake(UserWarning):
    """An event that is not in the table, or one said without what its sentence needs: a bug of ours."""


def _event(  # noqa: PLR0913, PLR0917  one row of the table
    name: str, message_id: str, level: Level, sentence: str, fields: str, happened: str, follows: str, advice: str
) -> Event:
    """`fields` are words; one that ends with `?` is optional."""
    words = fields.split()
    return Event(
        name=name,
        message_id=UUID(message_id),
        level=level,
        sentence=sentence,
        fields=tuple(word for word in words if not word.endswith("?")),
        optional=tuple(word[:-1] for word in words if word.endswith("?")),
        happened=happened,
        follows=follows,
        advice=advice,
    )


NOTHING = "Nothing needs to be done."

_TABLE = (
    # --- the daemon itself ---
    _event(
        "daemon_started", "5783dcc4541c4509a9301659e21281c6", Level.NOTICE,
        "failover {version} watches {platforms} and can speak on {channels}",
        "version platforms channels state_file audit_digest?",
        "The daemon has started and its configuration is complete.",
        "It looks at every platform. Nothing is said on the strength of the first look.",
        "See `failover status` for where every platform and channel stands.",
    ),
    _event(
        "daemon_stopped", "d42aa350070640b59246bbafa69a354d", Level.NOTICE,
        "failover has stopped watching: {reason}",
        "reason audit_digest?",
        "The daemon was asked to stop and has written down everything it knows.",
        "Nobody watches the platforms until it runs again. What was under way is continued then.",
        "Start it again with `systemctl start failover` when this was not meant to last.",
    ),
    _event(
        "config_loaded", "ba83bfa79c354f9bb4375b86cf798cb6", Level.INFO,
        "The configuration {path} is in force[: {reason}]",
        "path reason?",
        "The configuration was read, every text was rendered and measured for every channel, and it was accepted.",
        "The daemon works by it from now on.",
        NOTHING,
    ),
    _event(
        "config_rejected", "62e9d1a4422c4f32baf78652d31b94a2", Level.ERROR,
        "The configuration {path} is not usable (problems: {problems_count}): {reason}",
        "path problems_count reason",
        "The configuration has problems. Every one of them is logged with its file, line and column.",
        "On a reload the daemon goes on with the configuration it had. At a start it does not start (exit code 78): "
        "a half-configured alarm would be worse than none.",
        "Correct the file, try it with `failover check --config {path}`, then run `systemctl reload failover`, or "
        "`systemctl start failover` where it did not start.",
    ),
    _event(
        "config_problem", "cd4e0a41123e4b609044f6d44deabdd2", Level.ERROR,
        "{problem}",
        "problem",
        "One problem in the configuration, with its place and what was expected there.",
        "The configuration is not used as long as it has problems.",
        "Correct that line and try again with `failover check`.",
    ),
    _event(
        "config_notice", "be0c94f07ead4b7e9de2d544fe6433af", Level.WARNING,
        "The configuration works, but look at this: {reason}",
        "reason",
        "The configuration is accepted, and something in it is probably not what was meant.",
        "The daemon works by the configuration as it is written.",
        "Read the reason and decide whether the file should be changed.",
    ),
    _event(
        "last_good_config_used", "49d32d035ce84987af88791ef348f8fc", Level.CRITICAL,
        "The configuration {path} is broken; the last good one is used instead: {reason}",
        "path reason",
        "The daemon came back after a crash or a reboot and found a configuration that it cannot use.",
        "It goes on with the last configuration that was in force, so that the alarm is not dead.",
        "Correct the file now: try it with `failover check --config {path}`, then `systemctl reload failover`.",
    ),
    _event(
        "clock_stepped", "fbc49cfcfde44168a6ea247dfd63e825", Level.WARNING,
        "The clock of this machine jumped by {seconds}",
        "seconds",
        "The wall clock moved by more than time has passed: it was set, or the machine was asleep.",
        "What was seen before the jump is not used for a decision. Nothing is said twice because of it.",
        "Check that the machine keeps time (`timedatectl status`).",
    ),
    _event(
        "gap_noticed", "789b9f906d534bdeada1019052592453", Level.WARNING,
        "Nobody was watching for {duration}[: {reason}]",
        "duration reason?",
        "The daemon did not run, or the machine was asleep or overloaded, for longer than a round of looks takes.",
        "The gap is shown as such in the record. Every platform is looked at afresh before anything is decided.",
        "If this was not planned, look for the cause with `journalctl -u failover` around that time.",
    ),
    _event(
        "watchdog_starved", "f92caae5cb74466c875c4c686ad85afd", Level.CRITICAL,
        "The daemon does not make progress: {reason}",
        "reason",
        "One of the daemon's inner loops is stuck, so systemd's watchdog is not fed.",
        "Unless it recovers, systemd kills the daemon and starts it again. Nothing is lost or said twice by that.",
        "If it happens again, keep the stack trace in the journal and report it.",
    ),
    _event(
        "bug", "5e4451a573db4e98ae4e3db86d4f474c", Level.ERROR,
        "An error that nobody expected in {where}: {reason}",
        "where reason",
        "The daemon met a situation that its authors did not foresee. The trace is in FAILOVER_TRACEBACK.",
        "The step is treated as failed or as undecided, never as done, and the daemon goes on.",
        "Report it with the output of `journalctl -u failover -o verbose` for this line.",
    ),
    _event(
        "library_spoke", "fd911cebaa6140e491d8b9f2fce06e41", Level.WARNING,
        "{library}: {text}",
        "library text",
        "A library that the daemon uses had a warning or an error of its own.",
        "The daemon goes on. What it means for a platform or a channel is logged separately.",
        "Usually nothing. If it comes often, report it.",
    ),
    _event(
        "store_trouble", "6e612c2c0380438aa689848aad5d8daa", Level.CRITICAL,
        "The database cannot be written: {reason}",
        "reason",
        "The disk is full or failing, or the database file is damaged or locked.",
        "Nothing is sent that cannot be written down first, so at the moment nothing new can be said. The daemon "
        "keeps trying.",
        "Make room or mend the disk (`df -h /var/lib/failover`). If an outage is on now, speak to people by hand.",
    ),
    _event(
        "store_well", "dc96d7f6fb524096bb39e1ef6ec27881", Level.NOTICE,
        "The database can be written again",
        "duration?",
        "The trouble with the database is over.",
        "Everything that was due is done now, unless it is too late to be said.",
        NOTHING,
    ),
    _event(
        "metrics_failed", "090ee2b07d9c4838b86706aae2006981", Level.WARNING,
        "The metrics could not be written: {reason}",
        "reason",
        "The file under `metrics:` cannot be written.",
        "Whoever reads it sees old figures. Watching and speaking go on.",
        "Check that its folder is there and that the service may write to it (ReadWritePaths= of the unit).",
    ),
    _event(
        "heartbeat_failed", "f8988d1a6fad4739a677cab1cc01a901", Level.WARNING,
        "The heartbeat could not be sent: {reason}",
        "reason",
        "The outside service that watches this daemon could not be called.",
        "The daemon goes on as before and calls again at the next beat. The outside service may raise its alarm.",
        "Check the address under `heartbeat:` and whether that service works.",
    ),
    _event(
        "heartbeat_back", "f19c3e3506fa426a94f0b5a0838a68eb", Level.NOTICE,
        "The heartbeat is heard again",
        "",
        "The outside service that watches this daemon could be called again.",
        "The daemon beats on.",
        NOTHING,
    ),
    # --- our own line ---
    _event(
        "went_offline", "21b748ea3f084b80ac24fd083a853ab0", Level.WARNING,
        "This machine is cut off, so nothing is decided: {reason}",
        "reason",
        "Most of the anchors (unrelated places that nearly always answer) do not answer as they should. The trouble "
        "is here, not at the platforms.",
        "Failures seen from here do not count, and every platform keeps the state it had until the line is back.",
        "Check the network of this machine. Nothing is said in public because of this.",
    ),
    _event(
        "came_online", "e7b2bdbffa0f4ee995185c5a1ce2cbf2", Level.NOTICE,
        "This machine is connected again after {duration}",
        "duration",
        "The anchors answer again.",
        "The platforms are judged again, from fresh looks.",
        NOTHING,
    ),
    # --- platforms ---
    _event(
        "platform_unknown", "e90a4f76337b4d72a409bca7b199b0dc", Level.WARNING,
        "Nobody can tell how {platform} is: {reason}",
        "platform was reason evidence? explanation?",
        "Every source for {platform} is silent or stale.",
        "Nothing is decided about it until a source speaks again.",
        "See `failover status` for each source and its trouble.",
    ),
    _event(
        "platform_up", "87abf57ff3e444adb06aee3527ee3422", Level.NOTICE,
        "{platform} works: {reason}",
        "platform was reason evidence? explanation?",
        "{platform} works, or works again and has done so for long enough.",
        "If an incident was open for it alone, it is closed and the public is told.",
        NOTHING,
    ),
    _event(
        "platform_suspect", "01256b3c25da420b9dd030b9caabcc9a", Level.NOTICE,
        "{platform} may be in trouble, nothing is said yet: {reason}",
        "platform was reason evidence? explanation?",
        "One kind of evidence speaks against {platform}. That is not enough to tell the public.",
        "The daemon looks more often and asks further sources.",
        "If you know that it is down, say so with `failover declare {platform} down`.",
    ),
    _event(
        "platform_down", "6a6cfc98649b41de9e69c5709dbfa13c", Level.WARNING,
        "{platform} is down: {reason}",
        "platform was reason evidence? explanation?",
        "Independent kinds of evidence agree, for long enough, that {platform} does not work; or a person said so.",
        "An incident is opened or joined, and the backups that are routed for it are asked to speak.",
        "If you know better, say so with `failover declare {platform} up`.",
    ),
    _event(
        "platform_recovering", "f5b5ab6a338a48f5b40bba68884d3be3", Level.NOTICE,
        "{platform} seems to be coming back: {reason}",
        "platform was reason evidence? explanation?",
        "What spoke against {platform} has fallen silent.",
        "The daemon waits until it has stayed well for long enough before it says so in public.",
        NOTHING,
    ),
    _event(
        "source_unknown", "467c940d61d8477b985a2b3008749ad6", Level.WARNING,
        "The source {probe} tells nothing about {platform}: {reason}",
        "platform probe reason",
        "A source has failed, is stale or blocked, or no longer names what we watch. It does not count as down.",
        "The other sources go on. With too few of them an outage may be noticed late.",
        "If it stays so, look at the source by hand and correct or remove it in the configuration.",
    ),
    _event(
        "source_back", "270c942c64704f889a04f90fd2972d38", Level.NOTICE,
        "The source {probe} speaks about {platform} again[: {reason}]",
        "platform probe reason?",
        "A source that told nothing for a while can be read again.",
        "Its evidence counts again.",
        NOTHING,
    ),
    _event(
        "source_budget_spent", "6b7a22537b9049bfb5dfb3ce9728ce82", Level.WARNING,
        "The source {probe} of {platform} is not asked any more: {reason}",
        "platform probe reason",
        "The source was asked as often this month as the configuration, or what it gives for free, allows.",
        "It is asked again when the next month begins (UTC). Until then it tells nothing, and that is no vote.",
        "See `failover sources`. Raise its `budget:` in the configuration, or give it a longer `every:`.",
    ),
    _event(
        "account_trouble", "972dfeb138114eaa8dc18d7e7a123a28", Level.ERROR,
        "Our own account at {platform} has a problem, the platform itself does not: {reason}",
        "platform probe reason",
        "The platform answers and refuses our account: an expired or revoked token, a missing permission, a quota, a "
        "suspension, or a request of ours that it does not accept.",
        "This is never taken for an outage, and nothing is said in public because of it.",
        "Renew the credential or the permission, then run `systemctl restart failover` (a new secret file is read at "
        "the start).",
    ),
    _event(
        "account_well", "558ce31541b6412eb3cb61e10bd06b1f", Level.NOTICE,
        "Our own account at {platform} works again",
        "platform probe",
        "The platform accepts our account again.",
        "The account is used as evidence again.",
        NOTHING,
    ),
    _event(
        "person_needed", "c7a671c03d5d4c1a8a8eb412230db9f2", Level.CRITICAL,
        "A person should decide: {reason}",
        "reason",
        "The daemon has met something that it must not decide alone.",
        "It says nothing about this in public until somebody has decided.",
        "Run `failover status`, then `failover declare PLATFORM down` or `failover declare PLATFORM up`.",
    ),
    # --- incidents ---
    _event(
        "incident_opened", "ef866817633547ef9c49e43ce8f603a4", Level.WARNING,
        "Incident {incident} is open, {platforms} is down: {reason}",
        "incident platforms reason",
        "A platform is down beyond doubt. Incident {incident} collects everything that is said about it.",
        "The holding statement goes to the backup channels, after the sign-off that the configuration asks for.",
        "Follow it with `failover status`, or `journalctl FAILOVER_INCIDENT={incident} -f`.",
    ),
    _event(
        "incident_joined", "2929a0448c5a48f68bb9878233f21ddb", Level.NOTICE,
        "{platform} is down too and belongs to incident {incident}",
        "incident platform reason?",
        "A further platform of the same owner went down while incident {incident} is open.",
        "It is the same incident: no second holding statement is made.",
        NOTHING,
    ),
    _event(
        "incident_partly_recovered", "a216db37864c4b51aaa578f0742490bf", Level.NOTICE,
        "{platform} is back; incident {incident} stays open for the others",
        "incident platform reason?",
        "One platform of the incident works again, others do not yet.",
        "Ordinary posts go to {platform} again. The welcome back waits for the last of them.",
        NOTHING,
    ),
    _event(
        "incident_closed", "29965f9326fe4a1f8ce96f52ea3918fb", Level.NOTICE,
        "Incident {incident} is over after {duration} (it was about {platforms})",
        "incident platforms duration reason?",
        "Every platform of the incident has been well for long enough.",
        "Holding statements that were not said yet are cancelled. Whoever heard one, and not that it was a false "
        "alarm, hears the welcome back.",
        "See all of it with `journalctl FAILOVER_INCIDENT={incident}`.",
    ),
    _event(
        "incident_reopened", "5bc65adb95d54c919374ea1373081d6d", Level.WARNING,
        "{platform} is down, incident {incident} is open again, and so soon after it nothing is said anew: {reason}",
        "incident platform reason",
        "The platform failed again soon after its recovery.",
        "It is treated as the same incident: no second pair of statements is made.",
        "Follow it with `failover status`.",
    ),
    _event(
        "incident_settled", "8cf5a5e20d974f3185b8ec520867bfe1", Level.NOTICE,
        "Incident {incident} is settled: {reason}, and nothing is left to be done",
        "incident reason platforms?",
        "The incident is over, and everything that was to be said about it has been said or was no longer needed.",
        "Nothing more is said about it.",
        "Nothing. `failover report {incident}` tells all of it.",
    ),
    _event(
        "catch_up", "92adfe7eaa5d47738ec63c36250258ba", Level.WARNING,
        "Incident {incident} is over, things are left for a person to see to ({count}): {reason}",
        "incident count reason platforms?",
        "The incident is over and everything about it has come to an end, but not all of it as it should.",
        "The daemon does nothing more about these things. This is said once.",
        "See to each of them. `failover report {incident}` has the whole list at its end.",
    ),
    _event(
        "no_route", "8d4c4637d62f43ceb1830ad4ed2b0148", Level.CRITICAL,
        "{platforms} is down and no route says who stands in for it, so nothing is said (incident {incident})",
        "incident platforms",
        "The platform is watched, and no route in the configuration names it or a channel on it as a primary.",
        "The incident is recorded, and nobody is told by the daemon.",
        "Speak to your public by hand now. Then add a route to the configuration.",
    ),
    # --- statements ---
    _event(
        "statement_waiting", "138d47b58b274a1f8b0548216b42943a", Level.CRITICAL,
        "The {statement} statement of incident {incident} waits for sign-off ({mode})[ until {until}][, code {code}]",
        "incident statement statement_id mode until? code?",
        "A statement is ready. With the mode `veto` it goes out by itself after the delay unless somebody objects; "
        "with `required` it waits until somebody approves.",
        "The approvers are asked. Nothing is said before the sign-off.",
        "Approve with `failover approve {statement_id}`, object with `failover veto {statement_id}`. With the code "
        "behind it the approval is refused if the texts have changed since they were read.",
    ),
    _event(
        "approver_asked", "30e82b07a5304af19242210caa2f7b34", Level.NOTICE,
        "{approver} is {asked} by {way} about the {statement} statement of incident {incident}",
        "incident statement statement_id approver asked way code?",
        "Somebody who may sign the statement off was sent its texts and asked for a decision, or reminded of it.",
        "The statement waits, or goes out after its delay, as configured. Others are asked when it is their turn.",
        NOTHING,
    ),
    _event(
        "approver_unreachable", "2c7a476b56d444f8a279803909af160a", Level.ERROR,
        "{approver} could not be asked by {way}: {reason}",
        "approver way reason incident?",
        "The question whether a statement may go out did not reach somebody who may decide it, or answers cannot be "
        "fetched.",
        "It is tried again. The statement keeps to its own rule, and `failover approve` works all the same.",
        "Read the reason. A person must have written to the bot once before it may write to them.",
    ),
    _event(
        "answers_unheard", "2bf6b92b6007484887f2b702bf3adb10", Level.WARNING,
        "Answers by {way} cannot be fetched: {reason}",
        "way reason",
        "Approvers may press a button under a question, and the daemon cannot hear it at the moment.",
        "It goes on trying. What was pressed meanwhile is heard later; Telegram keeps it for a day.",
        "Until then decide with `failover approve` and `failover veto`. Two programs cannot listen with one bot.",
    ),
    _event(
        "answers_heard", "3981f68c92564db4ac0926c75fa5653a", Level.NOTICE,
        "Answers by {way} are fetched again",
        "way",
        "The trouble with hearing what approvers press is over.",
        "What was pressed meanwhile counts as if it were pressed now.",
        NOTHING,
    ),
    _event(
        "statement_overdue", "1eeb5f9c3d734d9b956326be215936f4", Level.CRITICAL,
        "The {statement} statement of incident {incident} has waited {duration} for sign-off: failover approve "
        "{statement_id} {code}",
        "incident statement statement_id duration code",
        "Nobody has decided about a statement that waits for sign-off for longer than `remind_after`.",
        "Who was asked is reminded, and the next group of approvers is asked when its time comes.",
        "Decide: `failover approve {statement_id}` or `failover veto {statement_id}`.",
    ),
    _event(
        "approval_recorded", "e338e12f07474256b3456cba934da123", Level.NOTICE,
        "{by} approved the {statement} statement of incident {incident}; a second person must approve it too",
        "incident statement by statement_id code",
        "The statement needs the approval of two different people, and the first has given it.",
        "It waits for the second.",
        "Another person says `failover approve {statement_id} {code}`.",
    ),
    _event(
        "approval_lapsed", "f2f7d6ce22e244fc97b460e8a45b4c1e", Level.WARNING,
        "The approval of the {statement} statement of incident {incident} by {by} no longer holds: {reason}",
        "incident statement by statement_id reason",
        "Not all of the statement was said while its approval was good, or no second person approved it in that "
        "time, or its texts changed after it.",
        "What is still unsaid waits for sign-off again, and the approvers are asked again.",
        "Approve with `failover approve {statement_id}` if it should still be said.",
    ),
    _event(
        "approval_refused", "d1fae93a1783446b91bf08c50f6ab3c5", Level.WARNING,
        "The {what} of {statement_id} by {by} was refused: {reason}",
        "statement_id what by reason",
        "Somebody wanted to decide about a statement, by Telegram or at the command line, and could not: they are "
        "not among those who may, it is too late, or the texts have changed since they read them.",
        "They were told so, nothing has changed, and it is in the audit trail.",
        "If that person should be able to decide, add them under `sign_off: approvers:`, with the number of their "
        "Telegram account (the bot has told it to them), or with `user`, their account on this machine.",
    ),
    _event(
        "statement_approved", "15dae17a2100404a8c4b5a57533b756e", Level.NOTICE,
        "{by} approved the {statement} statement of incident {incident}",
        "incident statement by statement_id?",
        "A person has signed the statement off, or its time for objections ended without one.",
        "It goes out now.",
        NOTHING,
    ),
    _event(
        "statement_vetoed", "9db6b9d9802d4f0098d6895a0ce1fe92", Level.WARNING,
        "{by} objected to the {statement} statement of incident {incident}[, {late}][: {reason}]",
        "incident statement by statement_id? reason? late?",
        "A person has objected to the statement.",
        "What of it is not public yet is not said, nor what would have followed it. The incident itself stays open "
        "and is watched on.",
        "If the public should hear something else, say it by hand.",
    ),
    _event(
        "statement_planned", "f2faccfd33fa4443b03cffdd5a2794ee", Level.NOTICE,
        "The {statement} statement of incident {incident} goes to {channels}",
        "incident statement channels statement_id?",
        "The statement, its incident and a delivery for each channel were written down together.",
        "Every channel is asked to publish it once.",
        NOTHING,
    ),
    # --- deliveries ---
    _event(
        "delivery_sent", "ebc330460bb64ef9b883055a74710d14", Level.NOTICE,
        "[The {statement} statement of incident {incident}][Post {post}] is public on {channel}[: {url}]"
        "[ ({dwell} after it was noticed)]",
        "incident? statement? post? channel url? dwell? delivery?",
        "The platform took it and named it, so it is public.",
        "It is never sent again. Its remote id is kept.",
        "Nothing. If it should not have been said, take it back by hand on {channel}.",
    ),
    _event(
        "delivery_delayed", "e4a637856cbf40fabbe6742d39da26ba", Level.WARNING,
        "{channel} could not be reached with [the {statement} statement][post {post}], tried again "
        "at {again_at}: {reason}",
        "incident? statement? post? channel reason again_at delivery?",
        "The channel could not be reached or asked us to wait. It is certain that nothing was posted.",
        "The same delivery is tried again, slower each time, until its latest time. If it takes too long, the next "
        "backup is called.",
        NOTHING,
    ),
    _event(
        "delivery_refused", "29ec72c080f24fe5bc696d2e863001e6", Level.ERROR,
        "{channel} refused [the {statement} statement of incident {incident}][post {post}]: {reason}",
        "incident? statement? post? channel reason delivery?",
        "The platform itself said no. It is certain that nothing was posted.",
        "It is not tried again as it is. The next backup takes its place.",
        "Read the reason; credentials, permissions and quotas need a person. Say it there by hand if it matters.",
    ),
    _event(
        "delivery_unsure", "f6477ace3f5a49d29ca755ec1c147656", Level.WARNING,
        "{channel} may have published [the {statement} statement of incident {incident}][post "
        "{post}], looking for it: "
        "{reason}",
        "incident? statement? post? channel reason delivery?",
        "The connection failed, or the daemon stopped, after it had left. Nobody knows if it is public.",
        "The daemon looks for it on the channel before anything else happens to it. It is not sent again blindly.",
        NOTHING,
    ),
    _event(
        "delivery_found", "f1719872f5304de0b3e20e9a67101500", Level.NOTICE,
        "[The {statement} statement of incident {incident}][Post {post}] was found on {channel}[: {url}]",
        "incident? statement? post? channel url? delivery?",
        "A delivery whose end was not known turned out to be public.",
        "It counts as sent and is never sent again.",
        NOTHING,
    ),
    _event(
        "delivery_held", "3c43837731bb4d33b25747c5c7823751", Level.CRITICAL,
        "Please look whether [the {statement} statement][post {post}] is public on {channel}, then "
        "run: failover resolve "
        "{delivery} sent|not-sent ({reason})",
        "incident? statement? post? channel delivery reason",
        "Nobody but a person can tell whether this is public on {channel}.",
        "It is neither sent again nor given up until somebody has looked. The next backup is asked meanwhile.",
        "Open the channel as a reader. If it is there, run `failover resolve {delivery} sent`, otherwise "
        "`failover resolve {delivery} not-sent`.",
    ),
    _event(
        "delivery_left", "2e8a7697bdcb4e03b1c70ccbf8a53311", Level.WARNING,
        "Nobody knows whether {channel} published [the {statement} statement of incident "
        "{incident}][post {post}]: {reason}",
        "incident? statement? post? channel reason delivery?",
        "The end of this delivery could not be found out, and the channel is configured with `when_unsure: next`.",
        "It is not sent again, and the next backup is asked.",
        "Have a look at the channel when there is time.",
    ),
    _event(
        "delivery_resolved", "0e4c2280c04d4d66a99d8c53466a131d", Level.NOTICE,
        "{by} looked at {channel}: [the {statement} statement of incident {incident}][post {post}] is {answer}",
        "incident? statement? post? channel delivery by answer",
        "A person has said whether a doubtful delivery is public.",
        "If it is public, it is never sent again. If not, it is sent, unless it is too late for it.",
        NOTHING,
    ),
    _event(
        "delivery_cancelled", "4e266431db38481ca5d62e3e559d6b71", Level.NOTICE,
        "[The {statement} statement of incident {incident}][Post {post}] is not sent on {channel}: {reason}",
        "incident? statement? post? channel reason delivery?",
        "It is no longer wanted on this channel, and it is certain that it was not said there.",
        "Nothing is sent there.",
        NOTHING,
    ),
    _event(
        "delivery_expired", "9a476471ff2c42b0b65ccc48a937f3f2", Level.ERROR,
        "It is too late for [the {statement} statement of incident {incident}][post {post}] on {channel}[: {reason}]",
        "incident? statement? post? channel reason? delivery?",
        "The channel could not be reached before its latest time.",
        "It is not said there any more, because it would be stale.",
        "If the audience of {channel} still needs to know, tell them by hand.",
    ),
    _event(
        "backup_promoted", "00559d3b36ca43928440189744b056d3", Level.NOTICE,
        "{channel} is called in incident {incident}[ in place of {instead_of}][: {reason}]",
        "incident channel instead_of? reason?",
        "A backup could not be relied on, and the next one of the route was called.",
        "{channel} is asked to publish the statement.",
        NOTHING,
    ),
    _event(
        "channel_passed_over", "f065716b1aa24c8eb66a42a9f0b79518", Level.NOTICE,
        "{channel} is passed over in incident {incident}: {reason}",
        "incident channel reason",
        "The channel's own platform is in trouble, or it shares the fate of what is down.",
        "The next backup of the route takes its place. If its platform becomes well in time, it is used after all.",
        NOTHING,
    ),
    _event(
        "reach_missed", "ff14891b699746e998f62c9a36dce278", Level.CRITICAL,
        "Only {heard} of {wanted} backups have heard of incident {incident}",
        "incident heard wanted",
        "Fewer backup channels than the route asks for could be told, and no further one is left.",
        "The daemon goes on trying those that may still work until the statement's latest time.",
        "See `failover status`, and speak to the remaining audiences by hand.",
    ),
    _event(
        "retracted", "9454d1afcaa645caaa794abfb2f23136", Level.NOTICE,
        "What was said[ of incident {incident}][ in post {post}] on {channel} has been taken back",
        "incident? post? channel statement? by?",
        "Somebody took the statement or the post back, and it is gone from the channel or was gone before.",
        "It is not said again.",
        NOTHING,
    ),
    _event(
        "retract_failed", "18b4eadd42b544a1b9140913120afdef", Level.CRITICAL,
        "What was said[ of incident {incident}][ in post {post}] on {channel} is still public: {reason}",
        "incident? post? channel reason statement? by?",
        "Somebody asked to take a statement or a post back, and the channel could not or would not do it.",
        "The daemon leaves it as it is.",
        "Delete it by hand on {channel}. Where it cannot be deleted, a correction of the false alarm goes out there.",
    ),
    # --- posts ---
    _event(
        "post_accepted", "81175032944148249a4b031eb1deb42f", Level.NOTICE,
        "Post {post} for {channels} was handed in by {by}[, due {due}][ ({file})]",
        "post channels by due? file?",
        "The organisation's own content was handed in to be published.",
        "It goes out at its time. While a platform is down it goes where the route says.",
        "Take it back before it goes out with `failover posts cancel {post}`.",
    ),
    _event(
        "post_rerouted", "ccbfd69cba3e43eba1e5a6632352fdb9", Level.WARNING,
        "Post {post} goes to {channels} instead of {channel}: {reason}",
        "post channel channels reason delivery?",
        "The platform that the post was meant for is down, and its route says `posts: reroute`, or `both`; or nobody "
        "who stood in for it could say it, and it goes back to its own channel.",
        "The backups of the route publish it. With `both` the channel itself follows when it is back.",
        NOTHING,
    ),
    _event(
        "post_held", "95be51540d8c4e45bd5a14d4a11a4072", Level.NOTICE,
        "{channel} has {count} to say that must wait (posts): {reason}",
        "channel count reason",
        "Something is due on the channel and does not go out yet.",
        "It waits, and goes out when the reason is gone, unless it is too old by then.",
        "See `failover posts`. What is no longer wanted can be cancelled there.",
    ),
    _event(
        "post_released", "8cf6fcb0e6c34232be240080a97ee8ee", Level.NOTICE,
        "Post {post} goes out on {channel}, {duration} late",
        "post channel duration delivery?",
        "What kept the post from going out is over.",
        "What waited goes out one after another, the oldest first.",
        NOTHING,
    ),
    _event(
        "post_dropped", "726625f0a0684261962bd217c53f390a", Level.WARNING,
        "Post {post} is not published on {channel}: {reason}",
        "post channel reason delivery?",
        "The platform was down when the post was due, and its route says `posts: drop`.",
        "It is not published there, also not later.",
        "If it should be said after all, hand it in again with `failover post`.",
    ),
    _event(
        "post_expired", "d3f5a76c78ca420eb4ec93ccfd39ec1b", Level.ERROR,
        "Post {post} was not published on {channel} in time[: {reason}]",
        "post channel reason? delivery?",
        "The post had an `until`, and could not be published before that time.",
        "It is not published there any more, because it would be stale.",
        "If it still matters, hand it in again with `failover post`.",
    ),
    _event(
        "post_cancelled", "69cd3e459df24f7f85c7d0420abd2606", Level.NOTICE,
        "{by} cancelled post {post}[, it may be public already on {channels}]",
        "post by channels?",
        "A person wants the post no longer.",
        "What is not public yet is not published.",
        "What is public already must be deleted by hand.",
    ),
    _event(
        "post_refused", "31738a518e044173a56995113129a05d", Level.ERROR,
        "{file} in the spool folder cannot be published: {reason}",
        "file reason",
        "A file was put into the spool folder that is no post, or that does not fit.",
        "It lies in the folder `failed`, with the reason beside it. Nothing of it was published.",
        "Correct it and put it into the spool folder again.",
    ),
    _event(
        "spool_trouble", "fb5820bc5573471eb1d6603956e77c00", Level.ERROR,
        "The spool folder of posts cannot be used: {reason}",
        "reason",
        "The folder that other programs hand posts in by cannot be read or written.",
        "What lies there waits. Nothing is published twice.",
        "Look at the folder, its owner and its permissions, and at the disk.",
    ),
    # --- channels ---
    _event(
        "channel_able", "151b7973a6bb496b88c1a64421a2361b", Level.INFO,
        "{channel} could post right now[ ({facts})]",
        "channel facts?",
        "The daily check asked the channel, without posting, whether it could post: it could.",
        "It is asked again tomorrow.",
        NOTHING,
    ),
    _event(
        "channel_unable", "723c672bb964449d8d55a42eacca584b", Level.ERROR,
        "{channel} could not post if it had to: {reason}",
        "channel reason",
        "The daily check asked the channel, without posting, whether it could post: it could not.",
        "It is asked again. In an incident it is tried all the same; the next backup takes its place if it fails.",
        "Mend it now, before it is needed, then run `systemctl restart failover`: it asks every channel again.",
    ),
    _event(
        "channel_notice", "8fa7befc3d0b4053bcc6aabc88c7eb52", Level.WARNING,
        "{channel} can post, but look at this: {reason}",
        "channel reason",
        "The daily check found something at the channel that will become a problem.",
        "The channel is used as before.",
        "Read the reason and mend it before it is needed.",
    ),
    _event(
        "credential_expiring", "921dd17b4963411b9da0c09843bc5ace", Level.WARNING,
        "The access of {channel} ends in {days} days[: {reason}]",
        "channel days reason?",
        "A token, a permission or a version of the platform's interface that this channel needs has a known end.",
        "The daemon reminds of it every day.",
        "Renew it in time, put the new secret into /etc/failover/secrets and run `systemctl restart failover`.",
    ),
    # --- people ---
    _event(
        "operator_declared", "adfe746d5fe84d0e8bdc0897f0375b62", Level.WARNING,
        "{by} declared {platform} {state}[: {reason}]",
        "platform state by reason?",
        "A person said how the platform is. That counts more than any source.",
        "The platform is judged by this word until it is withdrawn or has become true by itself.",
        "Withdraw it with `failover declare {platform} auto`.",
    ),
    _event(
        "declaration_contradicted", "b005b9656f00443a981caf12545da4b1", Level.CRITICAL,
        "{by} declared {platform} down at {declared_at}, and for {duration} every source that can tell has said that "
        "it works: `failover declare {platform} auto` ends it",
        "platform by declared_at duration",
        "A person said that the platform is down, and has not withdrawn it. Nothing is to be seen of that any more.",
        "A person's word counts more than any source: it goes on being told as down, posts stay diverted, and nobody "
        "is welcomed back. It is told again after each further day.",
        "Run `failover declare {platform} auto` when it is over.",
    ),
    _event(
        "drill_begun", "6e48aa7ed4fb432bb85f180e67f1349d", Level.NOTICE,
        "{by} rehearses an outage of {platform} on {channels} (drill {drill})",
        "platform by drill channels",
        "A person has begun a drill. Nothing is wrong with the platform.",
        "Only practice channels hear of it, and every text says DRILL.",
        NOTHING,
    ),
    _event(
        "silenced", "a040be08f5f94c32828679481e254519", Level.NOTICE,
        "Trouble of {platform} is no news until {until}, says {by}[: {reason}]",
        "platform by until reason?",
        "A person wants to hear nothing of this platform for a while.",
        "It is watched, and what its sources say against it counts for nothing until then. It ends by itself.",
        "End it at once with `failover silence {platform} --end`.",
    ),
    _event(
        "silence_ended", "b6e746ab99434e678633dd0b0f6a9c4b", Level.NOTICE,
        "Trouble of {platform} is news again[, says {by}]",
        "platform by?",
        "The time for which the platform was silenced is over, or somebody ended it.",
        "The platform is judged by its sources again.",
        NOTHING,
    ),
    _event(
        "declaration_ended", "043a5cb669004bdead1c307b8db4a9a6", Level.NOTICE,
        "The declaration about {platform} has ended[ by {by}][: {reason}]",
        "platform by? reason?",
        "A person withdrew their word about the platform, or it has become true by itself.",
        "The platform is judged by its sources again.",
        NOTHING,
    ),
    _event(
        "recipient_forgotten", "d9e15e1f2232429ca2b323c19174c491", Level.NOTICE,
        "{by} had a recipient forgotten (lines of the record: {count})",
        "by count",
        "A person's address was erased from the database; a random mark stands in its place where a count must stay "
        "right.",
        "That person is not written to any more in incidents that are known already.",
        "Remove the address from the list of recipients too: the daemon never writes to that file.",
    ),
    _event(
        "paused", "e727e06769174cee9390497a84a9b3b6", Level.WARNING,
        "{by} paused everything that is said in public[ until {until}][: {reason}]",
        "by until? reason?",
        "A person stopped the daemon from speaking.",
        "It watches and records on, and says nothing in public until it is resumed.",
        "Resume with `failover resume`.",
    ),
    _event(
        "resumed", "8e5a20394ec04dd4b3f7d74f2a638ac9", Level.NOTICE,
        "{by} lets the daemon speak again",
        "by",
        "The pause is over.",
        "What is still wanted is said now; what has become stale is not.",
        NOTHING,
    ),
)  # fmt: skip

EVENTS: Mapping[str, Event] = {event.name: event for event in _TABLE}

_PART = re.compile(r"\[([^\[\]]*)\]")
_GAP = re.compile(r"\{(\w+)\}")


def mistakes(name: str, given: Mapping[str, object]) -> str:
    """What is wrong with saying this event with these fields; "" if nothing is.  None means not given."""
    event = EVENTS.get(name)
    if event is None:
        return f"there is no event named {name!r}"
    missing = [field for field in event.fields if given.get(field) is None]
    known = CONVENTIONAL.union(event.fields, event.optional)
    surplus = [field for field in given if field not in known]
    trouble = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"knows no {', '.join(surplus)}"] * bool(surplus)
    return f"the event {name!r} {' and '.join(trouble)}" if trouble else ""


def compose(event: Event, texts: Mapping[str, str]) -> str:
    """The sentence of an event, with its gaps filled."""
    return fill(event.sentence, texts)


def fill(sentence: str, texts: Mapping[str, str]) -> str:
    """An optional part whose field is missing is left out; any other gap shows as `?`."""

    def part(match: re.Match[str]) -> str:
        return match[1] if all(texts.get(field) for field in gaps(match[1])) else ""

    return _GAP.sub(lambda match: texts.get(match[1]) or "?", _PART.sub(part, sentence))


def gaps(template: str) -> list[str]:
    """The fields that a template names."""
    return _GAP.findall(template)
