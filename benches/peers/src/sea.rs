//! SeaORM's sync crate on rusqlite.

use std::path::Path;

use sea_orm::{
    ActiveModelTrait, Database, DatabaseConnection, EntityTrait, IntoActiveModel, LoaderTrait, QueryOrder,
    Set, TransactionTrait,
};

use crate::peer::{Judged, Peer, Timed};
use crate::work::{Digest, Failure, Line, Work, shuffled_keys};

mod user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "users")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: String,
        pub email: Option<String>,
        pub age: i64,
        pub balance: f64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::post::Entity")]
        Post,
    }

    impl Related<super::post::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Post.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod post {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "posts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub user_id: i64,
        pub title: String,
        pub content: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(has_many = "super::comment::Entity")]
        Comment,
        #[sea_orm(
            belongs_to = "super::user::Entity",
            from = "Column::UserId",
            to = "super::user::Column::Id"
        )]
        User,
    }

    impl Related<super::comment::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Comment.def()
        }
    }

    impl Related<super::user::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::User.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod comment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "comments")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub post_id: i64,
        pub text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        #[sea_orm(
            belongs_to = "super::post::Entity",
            from = "Column::PostId",
            to = "super::post::Column::Id"
        )]
        Post,
    }

    impl Related<super::post::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Post.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// SeaORM.
#[derive(Default)]
pub struct Sea {
    connection: Option<DatabaseConnection>,
}

impl Peer for Sea {
    fn name(&self) -> &'static str {
        "sea-orm"
    }

    fn open(&mut self, file: &Path) -> Result<(), Failure> {
        self.close();
        self.connection = Some(Database::connect(format!("sqlite://{}", file.display()))?);
        Ok(())
    }

    fn close(&mut self) {
        self.connection = None;
    }

    fn prepare(&mut self, line: Line) -> Result<Timed<'_>, Failure> {
        let connection = self.connection.as_ref().ok_or("no open database")?;
        Ok(match line.work {
            Work::Load | Work::LoadTracked => Box::new(|| Ok(judged(user::Entity::find().all(connection)?))),
            Work::Insert => {
                let new: Vec<user::ActiveModel> = crate::work::users(line.users)
                    .into_iter()
                    .map(|user| user::ActiveModel {
                        name: Set(user.name),
                        email: Set(user.email),
                        age: Set(user.age),
                        balance: Set(user.balance),
                        ..Default::default()
                    })
                    .collect();
                Box::new(|| insert(connection, new))
            }
            Work::Get => {
                let keys = shuffled_keys(line.users);
                Box::new(|| get(connection, keys))
            }
            Work::Update => Box::new(|| update(connection)),
            Work::Relations | Work::RelationsTracked => Box::new(|| relations(connection)),
        })
    }
}

fn insert(connection: &DatabaseConnection, new: Vec<user::ActiveModel>) -> Result<Judged<'_>, Failure> {
    let transaction = connection.begin()?;
    let mut inserted = Vec::with_capacity(new.len());
    for user in new {
        inserted.push(user.insert(&transaction)?);
    }
    transaction.commit()?;
    Ok(judged(inserted))
}

fn get(connection: &DatabaseConnection, keys: Vec<i64>) -> Result<Judged<'_>, Failure> {
    let transaction = connection.begin()?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        found.push(
            user::Entity::find_by_id(key)
                .one(&transaction)?
                .ok_or("no such user")?,
        );
    }
    transaction.commit()?;
    Ok(judged(found))
}

fn update(connection: &DatabaseConnection) -> Result<Judged<'_>, Failure> {
    let transaction = connection.begin()?;
    let users = user::Entity::find().all(&transaction)?;
    let mut updated = Vec::with_capacity(users.len());
    for user in users {
        let age = user.age + 1;
        let mut active = user.into_active_model();
        active.age = Set(age);
        updated.push(active.update(&transaction)?);
    }
    transaction.commit()?;
    Ok(judged(updated))
}

fn relations(connection: &DatabaseConnection) -> Result<Judged<'_>, Failure> {
    let users = user::Entity::find()
        .order_by_asc(user::Column::Id)
        .all(connection)?;
    let posts = users.load_many(post::Entity::find().order_by_asc(post::Column::Id), connection)?;
    let counts: Vec<usize> = posts.iter().map(Vec::len).collect();
    let posts: Vec<post::Model> = posts.into_iter().flatten().collect();
    let comments = posts.load_many(
        comment::Entity::find().order_by_asc(comment::Column::Id),
        connection,
    )?;
    let mut posts = posts.into_iter().zip(comments);
    let mut nested: Vec<(user::Model, Vec<(post::Model, Vec<comment::Model>)>)> = Vec::new();
    for (user, count) in users.into_iter().zip(counts) {
        nested.push((user, posts.by_ref().take(count).collect()));
    }
    Ok(Box::new(move || {
        let mut digest = Digest::default();
        for (user, posts) in &nested {
            add_user(&mut digest, user);
            for (post, comments) in posts {
                digest.post(post.id, post.user_id, &post.title, &post.content);
                for comment in comments {
                    digest.comment(comment.id, comment.post_id, &comment.text);
                }
            }
        }
        Ok(digest.done())
    }))
}

fn judged(users: Vec<user::Model>) -> Judged<'static> {
    Box::new(move || {
        let mut digest = Digest::default();
        users.iter().for_each(|user| add_user(&mut digest, user));
        Ok(digest.done())
    })
}

fn add_user(digest: &mut Digest, user: &user::Model) {
    digest.user(user.id, &user.name, user.email.as_deref(), user.age, user.balance);
}
