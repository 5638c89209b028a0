use super::*;

const FILE: FileId = (1, 1);

fn name(name: &str) -> Want {
    Want::Name(name.to_owned())
}

fn tree(name: &str) -> Want {
    Want::Tree(name.to_owned())
}

async fn wait_for(owner: &Owner, want: Want) -> Result<(), NotHad> {
    let wants = [want];
    let attempt = || owner.hold(&wants).map_err(Stop::Blocked);
    owner.patiently(attempt).await
}

#[tokio::test]
async fn what_one_holds_another_does_not_get_and_its_own_kin_does() {
    use Want::File;
    for (held, wanted, is_free) in [
        (File(FILE), File(FILE), false),
        (File(FILE), File((1, 2)), true),
        (name("a"), name("a"), false),
        (name("a"), name("ab"), true),
        (name("a"), name("a/b"), false),
        (name("a/b"), name("a"), true),
        (name("a/b"), tree("a"), false),
        (name("a/b/c"), tree("a"), false),
        (name("ab"), tree("a"), true),
        (name("a-b"), tree("a"), true),
        (tree("a"), name("a/b/c"), false),
    ] {
        let owners = Owners::default();
        let first = owners.with_log().await;
        first.hold(std::slice::from_ref(&held)).unwrap();
        for beside in [false, true] {
            let other = match beside {
                true => owners.beside(),
                false => owners.with_log().await,
            };
            let had = other.hold(std::slice::from_ref(&wanted));
            assert_eq!(had.is_ok(), is_free, "{held:?} and {wanted:?}");
        }
        if !is_free {
            first.hold(&[wanted]).unwrap();
        }
    }
}

#[tokio::test]
async fn those_without_a_log_share_and_keep_one_with_a_log_away() {
    let owners = Owners::default();
    let task = owners.with_log().await;
    let users = [Arc::new(owners.beside()), Arc::new(owners.beside())];
    let pass = |user: &Arc<Owner>| {
        let passed: Result<_, Stop<NotHad>> = user.pass(|| Ok(vec![Want::File(FILE)]));
        passed.ok()
    };
    let held = users.each_ref().map(|user| pass(user).unwrap());
    assert!(task.hold(&[Want::File(FILE)]).is_err());
    drop(held);
    task.hold(&[Want::File(FILE)]).unwrap();
    assert!(pass(&users[0]).is_none());
    drop(task);
    assert!(matches!(pass(&users[0]), Some(Passing::Quiet(_))));
}

#[tokio::test]
async fn who_waits_gets_it_when_it_is_let_go_and_not_before() {
    let owners = Owners::default();
    let first = owners.with_log().await;
    let second = Arc::new(owners.with_log().await);
    first.hold(&[name("a")]).unwrap();
    let waiting = tokio::spawn({
        let second = second.clone();
        async move { wait_for(&second, name("a")).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!waiting.is_finished());
    drop(first);
    assert_eq!(waiting.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn who_waits_too_long_is_told_that_it_is_busy() {
    let owners = Owners::patient(Duration::from_millis(20));
    let (first, second) = (owners.with_log().await, owners.with_log().await);
    first.hold(&[name("a")]).unwrap();
    assert_eq!(wait_for(&second, name("a")).await, Err(NotHad::Busy));
    // Its twin is not in the way of anybody.
    assert_eq!(wait_for(&second, name("b")).await, Ok(()));
}

#[tokio::test]
async fn the_one_that_closes_a_circle_is_told_at_once() {
    let owners = Owners::default();
    let mut ring = Vec::new();
    for number in 0..3 {
        let owner = Arc::new(owners.with_log().await);
        owner.hold(&[name(&number.to_string())]).unwrap();
        ring.push(owner);
    }
    let waiting: Vec<_> = (0..2)
        .map(|number| {
            let owner = ring[number].clone();
            let next = name(&(number + 1).to_string());
            tokio::spawn(async move { wait_for(&owner, next).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert_eq!(
        wait_for(&ring[2], name("0")).await,
        Err(NotHad::Deadlock),
        "2 waits for 0, which waits for 1, which waits for 2"
    );
    // When it gives way, the others go on, one after another.
    ring.pop();
    let mut waiting = waiting.into_iter();
    let (first, second) = (waiting.next().unwrap(), waiting.next().unwrap());
    assert_eq!(second.await.unwrap(), Ok(()));
    ring.pop();
    assert_eq!(first.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn who_opens_a_log_waits_for_those_who_write_just_now() {
    let owners = Owners::default();
    let user = Arc::new(owners.beside());
    let passed: Result<_, Stop<NotHad>> = user.pass(|| Ok(vec![Want::File(FILE)]));
    let passing = passed.ok().unwrap();
    assert!(matches!(passing, Passing::Quiet(_)));
    let opening = tokio::spawn(async move { owners.with_log().await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!opening.is_finished());
    drop(passing);
    drop(opening.await.unwrap());
}
