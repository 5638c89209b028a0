use super::*;
use crate::bindings::fermyon::spin::key_value::HostStore as _;

fn stores() -> (tempfile::TempDir, Arc<Stores>) {
    let directory = tempfile::tempdir().unwrap();
    let stores = Stores::new(directory.path().join("key-value.db"));
    (directory, stores)
}

#[tokio::test]
async fn a_store_keeps_what_was_set() {
    let (_directory, stores) = stores();
    let mut table = ResourceTable::new();
    let mut context = KeyValueContext::new(Some(stores));
    let mut view = KeyValueView {
        context: &mut context,
        table: &mut table,
    };
    let store = view.open("default".to_owned()).await.unwrap().unwrap();
    let store = || Resource::new_borrow(store.rep());

    assert_eq!(
        view.get(store(), "a".to_owned()).await.unwrap().unwrap(),
        None
    );
    for value in [vec![1], vec![], vec![0, 255]] {
        view.set(store(), "a".to_owned(), value.clone())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            view.get(store(), "a".to_owned()).await.unwrap().unwrap(),
            Some(value)
        );
    }
    view.set(store(), "b".to_owned(), vec![2])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(view.get_keys(store()).await.unwrap().unwrap(), ["a", "b"]);
    assert!(view.exists(store(), "b".to_owned()).await.unwrap().unwrap());
    for _ in 0..2 {
        view.delete(store(), "b".to_owned()).await.unwrap().unwrap();
    }
    assert!(!view.exists(store(), "b".to_owned()).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_component_opens_only_what_it_was_granted() {
    let (_directory, stores) = stores();
    let mut table = ResourceTable::new();
    let cases = [
        (true, "default", true),
        (true, "other", false),
        (false, "default", false),
    ];
    for (granted, label, opens) in cases {
        let mut context = KeyValueContext::new(granted.then(|| stores.clone()));
        let mut view = KeyValueView {
            context: &mut context,
            table: &mut table,
        };
        match view.open(label.to_owned()).await.unwrap() {
            Ok(_) => assert!(opens, "{label}"),
            Err(error) => assert!(!opens && matches!(error, Error::AccessDenied), "{label}"),
        }
    }
}
