use super::*;
use crate::store::RawId;

fn member(number: u128) -> MemberId {
    MemberId::from_uuid(uuid::Uuid::from_u128(number))
}

fn team(number: u128) -> TeamId {
    TeamId::from_uuid(RawId(uuid::Uuid::from_u128(number)).uuid())
}

fn person(role: Role) -> Standing {
    Standing { role, member: Some(member(1)), teams: vec![team(1)], led: Led::default(), token: None }
}

fn row(standing: &Standing, facts: &Facts) -> String {
    ACTIONS
        .iter()
        .map(|action| match decide(standing, *action, facts) {
            Decision::Allow => 'y',
            Decision::Hide => 'h',
            Decision::Forbid => '-',
            Decision::OutOfScope => 's',
        })
        .collect()
}

/// Columns: view, create, edit, archive, post points, prescribe, check in, lead, manage, own.
#[test]
fn the_truth_table() {
    let foreign = Facts::of(Some(member(2)), Some(team(2)));
    let mine = Facts::of(Some(member(1)), Some(team(2)));
    let ours = Facts::of(Some(member(2)), Some(team(1)));
    let nobodys = Facts::default();
    // An objective of somebody else, to which I contribute, or a team of mine does.
    let by_me = Facts { owners: vec![member(2), member(1)], teams: vec![team(2)], ..Facts::default() };
    let by_us = Facts { owners: vec![member(2)], teams: vec![team(2), team(1)], ..Facts::default() };
    let private = |facts: &Facts| facts.clone().seen_by(Visibility::Private);
    let (hidden, my_own, our_own) = (private(&foreign), private(&mine), private(&by_us));
    let table = [
        (Role::Viewer, &mine, "y---------"),
        (Role::Viewer, &foreign, "y---------"),
        (Role::Member, &foreign, "yy---y----"),
        (Role::Member, &nobodys, "yy---y----"),
        (Role::Member, &mine, "yyyyyyy---"),
        (Role::Member, &ours, "yyyyyyy---"),
        (Role::Member, &by_me, "yyyyyyy---"),
        (Role::Member, &by_us, "yyyyyyy---"),
        (Role::Viewer, &by_me, "y---------"),
        (Role::Viewer, &by_us, "y---------"),
        (Role::Admin, &foreign, "yyyyyyyyy-"),
        (Role::Owner, &foreign, "yyyyyyyyyy"),
        (Role::Viewer, &hidden, "hhhhhhhhhh"),
        (Role::Member, &hidden, "hhhhhhhhhh"),
        (Role::Admin, &hidden, "hhhhhhhhhh"),
        (Role::Owner, &hidden, "hhhhhhhhhh"),
        (Role::Viewer, &my_own, "y---------"),
        (Role::Member, &my_own, "yyyyyyy---"),
        (Role::Member, &our_own, "yyyyyyy---"),
        (Role::Owner, &our_own, "yyyyyyyyyy"),
    ];
    for (role, facts, expected) in table {
        assert_eq!(row(&person(role), facts), expected, "{role} with {facts:?}");
    }
}

/// The same columns, for somebody who leads team 3, and member 3 in it.
#[test]
fn the_truth_table_of_those_who_lead() {
    let led = Led { teams: vec![team(3)], members: vec![member(3)] };
    let goal = Facts::of(Some(member(3)), Some(team(2))).led_through(Some(member(3)));
    let others_goal = Facts::of(Some(member(2)), Some(team(2))).led_through(Some(member(2)));
    // A comment, a token: theirs alone.
    let belonging = Facts::of(Some(member(3)), None);
    let of_team = Facts::of(Some(member(2)), Some(team(3)));
    let own_team = Facts::of(None, Some(team(1)));
    let hidden = goal.clone().seen_by(Visibility::Private);
    let hidden_of_team = of_team.clone().seen_by(Visibility::Private);
    let table = [
        (Role::Viewer, &goal, "y---------"),
        (Role::Viewer, &of_team, "y---------"),
        (Role::Member, &goal, "yyyyyyy---"),
        (Role::Member, &others_goal, "yy---y----"),
        (Role::Member, &belonging, "yy---y----"),
        (Role::Member, &of_team, "yyyyyyyy--"),
        (Role::Member, &own_team, "yyyyyyy---"),
        (Role::Admin, &goal, "yyyyyyyyy-"),
        (Role::Member, &hidden, "hhhhhhhhhh"),
        (Role::Member, &hidden_of_team, "hhhhhhhhhh"),
        (Role::Owner, &hidden, "hhhhhhhhhh"),
    ];
    for (role, facts, expected) in table {
        let standing = Standing { led: led.clone(), ..person(role) };
        assert_eq!(row(&standing, facts), expected, "{role} with {facts:?}");
    }
    let bounds = TokenBounds { scopes: vec![Scope::Read, Scope::Write], ..TokenBounds::default() };
    let token = Standing { led, token: Some(bounds), ..person(Role::Member) };
    assert_eq!(row(&token, &goal), "yyyyyyysss");
}

#[test]
fn a_token_does_what_scopes_and_role_both_allow() {
    let foreign = Facts::of(Some(member(2)), None);
    let table: [(Role, &[Scope], &str); 8] = [
        (Role::Owner, &[], "ssssssssss"),
        (Role::Owner, &[Scope::Read], "ysssssssss"),
        (Role::Owner, &[Scope::Write], "syyyyyysss"),
        (Role::Owner, &[Scope::PointsWrite], "ssssysssss"),
        (Role::Owner, &[Scope::Admin], "sssssssyyy"),
        (Role::Member, &[Scope::PointsWrite], "ssssysssss"),
        (Role::Member, &[Scope::Write], "sy---y-sss"),
        (Role::Viewer, &[Scope::PointsWrite, Scope::Write, Scope::Read], "y------sss"),
    ];
    for (role, scopes, expected) in table {
        let token = TokenBounds { scopes: scopes.to_vec(), ..TokenBounds::default() };
        let standing = Standing { token: Some(token), ..person(role) };
        assert_eq!(row(&standing, &foreign), expected, "{role} with {scopes:?}");
    }
}

#[test]
fn a_narrowed_token_reaches_its_teams_and_keys_only() {
    let bounds = TokenBounds {
        scopes: vec![Scope::Read, Scope::PointsWrite],
        teams: vec![team(7)],
        key_patterns: vec!["sales-*".into(), "churn".into()],
    };
    let standing = Standing { token: Some(bounds), ..person(Role::Owner) };
    let posts = |facts: Facts| decide(&standing, Action::PostPoints, &facts);
    assert_eq!(posts(Facts::default().with_key("sales-emea")), Decision::Allow);
    assert_eq!(posts(Facts::default().with_key("churn")), Decision::Allow);
    assert_eq!(posts(Facts::default().with_key("churn-rate")), Decision::OutOfScope);
    assert_eq!(posts(Facts::default().with_key("presales-emea")), Decision::OutOfScope);
    assert_eq!(posts(Facts::of(None, Some(team(7))).with_key("x")), Decision::Allow);
    assert_eq!(decide(&standing, Action::View, &Facts::default().with_key("x")), Decision::Allow);
}

#[test]
fn a_service_token_sees_what_is_private_to_the_teams_that_it_is_narrowed_to() {
    let ours = Facts::of(Some(member(2)), Some(team(7))).seen_by(Visibility::Private);
    let bounds = |teams| TokenBounds { scopes: vec![Scope::Read], teams, key_patterns: Vec::new() };
    let service = |teams| Standing {
        member: None,
        teams: Vec::new(),
        token: Some(bounds(teams)),
        ..person(Role::Member)
    };
    assert_eq!(decide(&service(vec![team(7)]), Action::View, &ours), Decision::Allow);
    assert_eq!(decide(&service(vec![team(8)]), Action::View, &ours), Decision::Hide);
    assert_eq!(decide(&service(Vec::new()), Action::View, &ours), Decision::Hide);
    // A personal token sees what its person sees, however it is narrowed.
    let personal = Standing { token: Some(bounds(vec![team(7)])), ..person(Role::Member) };
    assert_eq!(decide(&personal, Action::View, &ours), Decision::Hide);
}

#[test]
fn only_what_all_viewers_see_may_count() {
    let named = |members: &[u128], teams: &[u128]| Viewers::Named {
        members: members.iter().copied().map(member).collect(),
        teams: teams.iter().copied().map(team).collect(),
    };
    assert!(Viewers::Everybody.all_see(&Viewers::Everybody));
    assert!(named(&[1], &[]).all_see(&Viewers::Everybody));
    assert!(!Viewers::Everybody.all_see(&named(&[1], &[1])));
    assert!(named(&[1], &[2]).all_see(&named(&[3, 1], &[2, 4])));
    assert!(!named(&[1], &[2]).all_see(&named(&[1], &[4])));
    assert!(!named(&[1, 2], &[]).all_see(&named(&[1], &[])));
}
