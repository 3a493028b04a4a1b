"""Given an event of an organization, then the sentence of its audit."""

from typing import Any, Literal, get_args
from uuid import UUID

from domain import events as e
from domain.alert.conditions import Condition
from domain.organization.logo import logo_of
from domain.report.issue import ReportScope
from domain.summaries import AuditedEvent, audit_summary
from tests.kit.builders import NOON
from tests.kit.pictures import LOGO

ID = UUID(int=7)
PROJECTS = (UUID(int=1), UUID(int=2))
PLAN = e.OrganizationCreated(name="Herd", plan="free", time_zone="UTC")
SETTINGS = e.OrganizationSettingsChanged(
    name="Flock",
    time_zone="UTC",
    creator_profiles_hours=6,
    discover_videos_hours=1,
    video_stats_hours=None,
    erase_removed_after_days=30,
)
OURS: dict[str, Any] = {"organization_id": ID}
WATCHED: dict[str, Any] = {
    "scope": e.AlertScope(type="org"),
    "condition": Condition(type="views_drop"),
}
KEY: dict[str, Any] = {"key_id": ID, "name": "Ops", "digest": "d", "hint": "h"}
WAYS_IN: tuple[tuple[e.SignInMethod, Literal["added", "removed"], str], ...] = (
    ("codes", "added", "Second factor of the item, codes of an app, turned on"),
    ("codes", "removed", "Second factor of the item, codes of an app, turned off"),
    ("recovery", "added", "Recovery codes of the item made"),
    ("recovery", "removed", "Recovery codes of the item removed"),
    ("passkey", "added", "Passkey of the item added"),
    ("passkey", "removed", "Passkey of the item removed"),
    ("password", "added", "Password of the item set"),
    ("oidc", "added", "Account of the item connected with an OpenID provider"),
    ("oidc", "removed", "Account of the item parted from an OpenID provider"),
)
SAID: tuple[tuple[AuditedEvent, str], ...] = (
    (PLAN, 'Organization "Herd" created with the plan free by Ada.'),
    (
        e.OrganizationCreated(name="Herd", plan="unlimited", time_zone="UTC"),
        'Organization "Herd" created by Ada.',
    ),
    (
        SETTINGS,
        (
            'Settings changed: renamed to "Flock", time zone set to UTC, profiles '
            "scraped every 6 hours, new videos scraped every hour, video figures "
            "scraped as often as usual and removed creators erased 30 days later, "
            "by Ada."
        ),
    ),
    (
        e.OrganizationSettingsChanged(erase_removed_after_days=None),
        "Settings changed: removed creators erased never, by Ada.",
    ),
    (
        e.OrganizationSettingsChanged(requires_second_factor=True),
        "Settings changed: a second factor required, by Ada.",
    ),
    (
        e.OrganizationSettingsChanged(requires_second_factor=False),
        "Settings changed: a second factor not required, by Ada.",
    ),
    (e.PlanChanged(old="free", new="ultra"), "Plan changed from free to ultra by Ada."),
    (
        e.OperatorChanged(is_operator=True),
        "Made the operator of the installation, as decided by Ada.",
    ),
    (
        e.OperatorChanged(is_operator=False),
        "No longer the operator of the installation, as decided by Ada.",
    ),
    (
        e.ApiKeyCreated(**KEY, scopes=("read", "write")),
        'Key "Ops" created with the scopes read and write by Ada.',
    ),
    (e.ApiKeyRenamed(key_id=ID, name="Dev"), 'The item renamed to "Dev" by Ada.'),
    (e.ApiKeyRevoked(key_id=ID), "The item revoked by Ada."),
    (e.ProjectCreated(project_id=ID, name="Alps"), 'Project "Alps" created by Ada.'),
    (
        e.ProjectDetailsChanged(
            project_id=ID, name="Tirol", description=None, client="A", comment="B"
        ),
        (
            'The item changed: renamed to "Tirol", description cleared, client '
            "changed and comment changed, by Ada."
        ),
    ),
    (
        e.ProjectDetailsChanged(project_id=ID, color="#0f766e"),
        "The item changed: colour changed, by Ada.",
    ),
    (
        e.ProjectLogoChanged(project_id=ID, logo=logo_of(LOGO)),
        "Logo of the item changed by Ada.",
    ),
    (
        e.ProjectLogoChanged(project_id=ID, logo=None),
        "Logo of the item removed by Ada.",
    ),
    (e.ProjectArchived(project_id=ID), "The item archived by Ada."),
    (e.ProjectRestored(project_id=ID), "The item restored by Ada."),
    (e.MemberAdded(person_id=ID, role="admin"), "The item added as admin by Ada."),
    (
        e.MemberAdded(person_id=ID, role="viewer", project_ids=PROJECTS, money=True),
        "The item added as viewer, limited to 2 projects and with payments, by Ada.",
    ),
    (
        e.MemberChanged(person_id=ID, role="member", project_ids=None, money=False),
        (
            "Rights of the item changed: now member, for all projects and without "
            "payments, by Ada."
        ),
    ),
    (e.MemberRemoved(person_id=ID), "The item removed by Ada."),
    (
        e.ThingsHandedOver(
            person_id=ID, to_person_id=ID, share_ids=PROJECTS, rule_ids=(ID,)
        ),
        "2 links and 1 alert rule handed over from the item by Ada.",
    ),
    (
        e.PasswordLinkMade(person_id=ID),
        "Link to choose a password made for the item by Ada.",
    ),
    (
        e.InvitationMade(id=ID, email="a@example.com", role="admin", expires_at=NOON),
        "the item invited as admin by Ada.",
    ),
    (
        e.InvitationSentAgain(id=ID, expires_at=NOON),
        "New link of the invitation of the item made by Ada.",
    ),
    (
        e.InvitationAccepted(id=ID, person_id=ID),
        "The invitation of the item accepted by Ada.",
    ),
    (e.InvitationDeclined(id=ID), "Invitation declined by Ada."),
    (e.InvitationWithdrawn(id=ID), "Invitation withdrawn by Ada."),
    (e.PersonSignedIn(method="password"), "Ada signed in with a password."),
    (e.PersonSignedIn(method="passkey"), "Ada signed in with a passkey."),
    (e.PersonSignedIn(method="link"), "Ada signed in with a link."),
    *(
        (e.SignInMethodChanged(method=method, change=change), f"{said} by Ada.")
        for method, change, said in WAYS_IN
    ),
    (
        e.AlertRuleMade(**OURS, name="Fell", **WATCHED),
        "Alert rule the item made by Ada.",
    ),
    (
        e.AlertRuleMade(
            **OURS, name="Fell", built_in="views_drop", enabled=False, **WATCHED
        ),
        "Alert rule the item of Goatherd changed and switched off by Ada.",
    ),
    (
        e.AlertRuleChanged(**OURS, name="Sank", **WATCHED, enabled=True),
        (
            'Alert rule the item changed: renamed to "Sank", scope, condition and '
            "switched on, by Ada."
        ),
    ),
    (
        e.AlertRuleChanged(**OURS, for_minutes=5, cool_down_minutes=0, channels=()),
        (
            "Alert rule the item changed: time before an alert, rest after an alert "
            "and channels, by Ada."
        ),
    ),
    (e.AlertRuleRemoved(**OURS), "Alert rule the item removed by Ada."),
    (
        e.CampaignCreated(**OURS, project_id=ID, name="May"),
        'Campaign the item: created as "May" by Ada.',
    ),
    (
        e.CampaignDetailsChanged(**OURS, name="June"),
        'Campaign the item: renamed to "June" by Ada.',
    ),
    (
        e.CampaignTargetChanged(
            **OURS, target_views=5, target_posts=None, target_at=None
        ),
        "Campaign the item: target set to 5 views by Ada.",
    ),
    (e.CampaignDeleted(**OURS), "Campaign the item: deleted by Ada."),
    (
        e.SubjectErased(organization_id=ID, number=1, figures="drop"),
        "Erased: the figures are gone, by Ada.",
    ),
    (
        e.EarlierTextsForgotten(organization_id=ID, kind="project", of=ID, subject=ID),
        "Earlier names and notes forgotten by Ada.",
    ),
    *(
        (event, f"Webhook to the item {sentence} by Ada.")
        for event, sentence in (
            (
                e.WebhookCreated(**OURS, url="https://a.example", types=("a.b", "c.d")),
                "created for a.b and c.d",
            ),
            (
                e.WebhookCreated(**OURS, url="https://a.example", types=("*",)),
                "created for all events",
            ),
            (
                e.WebhookChanged(**OURS, url="https://a.example", payload="thin"),
                "changed: address and body,",
            ),
            (e.WebhookEnabled(**OURS), "enabled"),
            (e.WebhookEnabled(**OURS, from_now=True), "enabled without what it missed"),
            (
                e.WebhookDisabled(**OURS, reason="failing"),
                "disabled after 20 failures in a row",
            ),
            (e.WebhookDisabled(**OURS, reason="by_hand"), "disabled"),
            (e.WebhookRemoved(**OURS), "removed"),
        )
    ),
    *(
        (event, f"Channel the item {sentence} by Ada.")
        for event, sentence in (
            (
                e.ChannelAdded(**OURS, kind="slack", name="Ops", shown="https://a/…"),
                "added for Slack",
            ),
            (
                e.ChannelChanged(**OURS, name="Ops", address_changed=True),
                "changed: name and address,",
            ),
            (e.ChannelChanged(**OURS, enabled=False), "changed: switched off,"),
            (e.ChannelRemoved(**OURS), "removed"),
        )
    ),
    (
        e.WebhookSecretRotated(**OURS),
        "Secret of the webhook to the item replaced by Ada.",
    ),
    *(
        (event, f"Shared link{sentence} by Ada.")
        for event, sentence in (
            (
                e.ShareMade(
                    **OURS,
                    name="For Ben",
                    scope="creator",
                    scope_id=ID,
                    project_id=ID,
                    hide=("notes",),
                    has_password=True,
                ),
                ' "For Ben" to a creator made, with a password and without notes,',
            ),
            (
                e.ShareMade(
                    **OURS, name="", scope="project", scope_id=ID, project_id=ID
                ),
                " to a project made",
            ),
            (
                e.ShareChanged(**OURS, name="", rolling="last_week", hide=()),
                " changed: name cleared, period set to last week and shows all,",
            ),
            (
                e.ShareChanged(**OURS, has_password=False, expires_at=None),
                " changed: password removed and end removed,",
            ),
            (e.ShareRevoked(**OURS), " revoked"),
        )
    ),
    (
        e.ReportMade(
            **OURS,
            scope=ReportScope(type="org"),
            name="Monday",
            period="weekly",
            hour=9,
            recipients=("ben@example.com",),
            sections=("kpis",),
            scheduled_from=NOON,
        ),
        'Weekly report "Monday" with 1 recipient made by Ada.',
    ),
    (
        e.ReportChanged(
            **OURS,
            name="Friday",
            period="monthly",
            weekday="friday",
            hour=16,
            recipients=(),
            sections=("kpis", "videos"),
            enabled=False,
        ),
        (
            'Report changed: named "Friday", monthly, on Friday, at 16:00, '
            "0 recipients, shows key figures and videos and switched off, by Ada."
        ),
    ),
    (
        e.ReportChanged(**OURS, enabled=False, stopped_because="creator_moved"),
        (
            "Report changed: stopped, because its creator moved to another project, by "
            "Ada."
        ),
    ),
    (
        e.RecipientUnsubscribed(**OURS, address="ben@example.com"),
        "Recipient of a report unsubscribed by Ada.",
    ),
    (e.ReportRemoved(**OURS), "Report removed by Ada."),
    (
        e.WebhookReplayRequested(**OURS, first=1_000, last=2_000),
        "Events 1,000 to 2,000 sent again to the item, as asked for by Ada.",
    ),
)


def test_each_event_of_an_audit_has_its_sentence():
    said = [audit_summary(event, by="Ada", item="the item") for event, _ in SAID]

    assert said == [sentence for _, sentence in SAID]
    assert {type(event) for event, _ in SAID} == {*get_args(AuditedEvent)}


def test_an_invitation_whose_address_nobody_may_see_has_none():
    made = e.InvitationMade(
        id=ID, email="erased", role="viewer", project_ids=PROJECTS, expires_at=NOON
    )
    nameless: tuple[AuditedEvent, ...] = (
        made,
        e.InvitationSentAgain(id=ID, expires_at=NOON),
        e.InvitationAccepted(id=ID, person_id=ID),
    )

    said = [audit_summary(event, by="Ada", item="") for event in nameless]

    assert said == [
        "Invitation of a viewer, limited to 2 projects, made by Ada.",
        "New link of an invitation made by Ada.",
        "An invitation accepted by Ada.",
    ]


def test_people_join_and_leave_by_themselves():
    own: tuple[AuditedEvent, ...] = (
        e.MemberAdded(person_id=ID, role="viewer"),
        e.MemberAdded(person_id=ID, role="viewer", project_ids=PROJECTS, money=True),
        e.MemberRemoved(person_id=ID),
        e.MemberChanged(person_id=ID, role="member"),
        e.SignInMethodChanged(method="codes", change="removed"),
    )

    said = [
        audit_summary(event, by="Ada Alm", item="Ada Alm", is_own=True) for event in own
    ]

    assert said == [
        "Ada Alm joined as viewer.",
        "Ada Alm joined as viewer, limited to 2 projects and with payments.",
        "Ada Alm left.",
        "Rights of Ada Alm changed: now member, by themselves.",
        "Second factor of Ada Alm, codes of an app, turned off by themselves.",
    ]
