# The SQLAlchemy end of `compare orm`: a line on stdin is a work, a line on stdout its time in nanoseconds and its checksum.
#
#   open FILE
#   load | insert N | get KEY,KEY,.. | update | relations

import gc
import sys
import time
import zlib

try:
    from sqlalchemy import ForeignKey, create_engine, select
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload
except ImportError as error:
    print(f"missing {error}", flush=True)
    sys.exit(0)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None]
    age: Mapped[int]
    balance: Mapped[float]
    posts: Mapped[list["Post"]] = relationship(order_by="Post.id")


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str]
    content: Mapped[str]
    comments: Mapped[list["Comment"]] = relationship(order_by="Comment.id")


class Comment(Base):
    __tablename__ = "comments"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    text: Mapped[str]


def user(number):
    id = number + 1
    return User(
        name=f"User number {id}",
        email=None if number % 4 == 0 else f"user{id}@example.org",
        age=18 + (id * 7) % 60,
        balance=((id * 7919) % 1_000_000) / 100.0,
    )


def load(session, _):
    return session.scalars(select(User)).all()


def insert(session, new):
    session.add_all(new)
    session.commit()
    return new


def get(session, keys):
    return [session.get(User, key) for key in keys]


def update(session, _):
    users = session.scalars(select(User)).all()
    for one in users:
        one.age += 1
    session.commit()
    return users


def relations(session, _):
    nested = selectinload(User.posts).selectinload(Post.comments)
    return session.scalars(select(User).order_by(User.id).options(nested)).all()


def rows(work, users):
    for u in users:
        yield f"{u.id}|{u.name}|{'-' if u.email is None else u.email}|{u.age}|{round(u.balance * 100)};"
        if work == "relations":
            for p in u.posts:
                yield f"{p.id}|{p.user_id}|{p.title}|{p.content};"
                for c in p.comments:
                    yield f"{c.id}|{c.post_id}|{c.text};"


INPUTS = {
    "insert": lambda text: [user(number) for number in range(int(text))],
    "get": lambda text: [int(key) for key in text.split(",")],
}
WORKS = {"load": load, "insert": insert, "get": get, "update": update, "relations": relations}


def run(engine, work, text):
    given = INPUTS.get(work, lambda _: None)(text)
    session = Session(engine, expire_on_commit=False)
    gc.collect()
    start = time.perf_counter_ns()
    users = WORKS[work](session, given)
    session.commit()
    taken = time.perf_counter_ns() - start
    digest = zlib.crc32("".join(rows(work, users)).encode())
    session.close()
    print(taken, digest, flush=True)


def main():
    print("ready", flush=True)
    engine = None
    for line in sys.stdin:
        work, _, text = line.rstrip("\n").partition(" ")
        if work == "open":
            if engine is not None:
                engine.dispose()
            engine = create_engine(f"sqlite:///{text}")
        else:
            run(engine, work, text)


main()
