alter table t add constraint x check(a>1)
alter table t add check(a>1)
alter table t add constraint x
alter table t add check(a>1) check (b>1)
alter table t drop constraint x
alter table t alter column a set not null
alter table t alter a set not null on conflict ignore
alter table t alter column a drop not null
alter table t alter column a set default 1
alter table t add unique(a)
alter table t drop a
alter table t drop check
select 1_000, 0x1_0, 1__0
select 1_
select 1 within group
select percentile(a) within group (order by a) from t
select count(*) within from t
select raise(abort,'a'||'b')
create trigger tr after insert on t begin select raise(abort,'a'||'b'); end
select a match from t
select key from t
select cast
select a from t1 on a
select a from t1 using (a)
select a from t1 natural join t2 on 1
select a from t1 left join
select a from t1 left natural inner foo join t2
select a from t1 outer join t2
select a from t1 inner outer join t2
select a from t1 left right join t2 using(a)
select * from t1 cross left join t2
select 1 order by 1 union select 2
select 1 limit 1 union select 2
select 1 order by 1 limit 1 union select 2
values(1) order by 1
with x as (select 1) values(1)
select 'abc
select "abc
select [abc
select /* abc
select 1; select 2
;
;;
-- x
explain
explain query plan
explain ;
explain ; select 1
select #1
select #a
select @
select ?0
select ?32766
select ?32767
select ?99999999999
create table x(a int generated always as (1), b generated always as (2) stored)
create table x(a int generated as (1))
create table x(a int, primary key(a) unique(b) check(a))
create table x(a int constraint, b)
create table x(a int) strict, without rowid
create table x(a int) foo
create table x(a int) without foo
create table x(a int) strict strict
create table x(a int) strict without rowid
create table x(a int),strict
create table x(a int) without rowid,
create table x(a int constraint c)
create table x(a int constraint c constraint d)
create table x(a int,constraint c)
create table x(a int,constraint c unique(a) constraint d, check(a))
create table x(a int,check(a),b)
create table x(a int default -abc)
create table x(a int default +1)
create table x(a int default abc)
create table x(a int check(a) on conflict ignore)
create table x(a int, check(a) on conflict ignore)
create table x(a int references t on insert cascade match foo not deferrable initially immediate)
create table x(a int collate 'nocase')
create table x(a int unique(a))
create table x(a varchar(10,-5) foo)
create table x(a varchar(10,-5,6))
create table x(a varchar(1_0))
create table x(a int as (1) foo)
create table x(a int as (1) 'foo')
create table x(a 'int' generated always)
create index i on t(a nulls first)
create table x(a, primary key(a nulls last))
create table x(a, unique(a nulls last))
insert into t values(1,2,3) on conflict(a nulls first) do nothing
insert into t values(1) on conflict do nothing on conflict do nothing
insert into t values(1) on conflict do nothing returning *
insert into t default values on conflict do nothing
insert into t default values returning 1
with x(a collate nocase) as (select 1) select 1
with x(a desc) as (select 1) select 1
with x as (select 1), x as (select 2) select 1
create view v(a asc) as select 1
create table x(a references t(a desc))
delete from t order by a limit 1
delete from t limit 1
update t set a=1 order by a limit 1
update t set (a,b)=(1,2)
update t set (a)==1
delete from t x
delete from t as x
delete from main.t as x indexed by i
create view v as select ?
create trigger tr after insert on t begin insert into main.t values(1); end
create trigger tr after insert on t begin update t indexed by x set a=1; end
create trigger tr after insert on t begin delete from t not indexed; end
create trigger tr after insert on t begin insert into t values(1) returning *; end
create trigger tr after insert on t begin insert into t default values; end
create trigger tr after insert on t begin with x as (select 1) select 1; end
create trigger tr after insert on t begin with x as (select 1) insert into t values(1); end
create trigger tr after insert on t begin insert into t as y values(1); end
create trigger tr after insert on t begin select 1 end
create trigger tr after insert on t begin ; end
create trigger tr after insert on t begin select 1; ; end
create trigger tr after insert on t begin end
create trigger tr after insert on t begin select 1; end; select 1
create trigger tr insert on t when 1 begin select 1; end
create trigger tr instead of insert on t for each row when 1 begin select 1; end
create trigger tr update of a, b on t begin select case when 1 then 2 end; end
create virtual table v using foo(a;b)
create virtual table v using foo(a(;b),,c
create virtual table v using foo()
create virtual table v using foo
create virtual table v using foo(a) b
pragma foo=on
pragma foo=-1_0
pragma foo=+1.5
pragma foo(delete)
pragma foo(select)
pragma foo='x'
pragma foo=
pragma foo=insert
pragma a.b.c
attach 'x'
attach database x as y key z
detach database x
detach database
vacuum main into 'x'
vacuum into
begin foo
begin transaction foo
begin deferred immediate
rollback to
rollback transaction to savepoint x
rollback transaction x to x
release savepoint savepoint
release savepoint
savepoint savepoint
commit transaction x
end x
select * from t indexed by
select * from t not indexed
select * from t as x indexed by y
select * from f(1) indexed by y
select t.* , * from t
select a.b.* from t
select 'x'.a from t
select t.'a' from t
select a 'b' from t
select a as left from t
select a left from t
select sum(a) over (rows) from t
select sum(a) over (rows between 1 preceding and unbounded following exclude ties) from t
select sum(a) over (order by a rows unbounded following) from t
select sum(a) over (order by a rows between unbounded following and 1 preceding) from t
select sum(a) over (order by a rows between current row and unbounded preceding) from t
select sum(a) over (x partition by a) from t window x as (order by a)
select sum(a) filter (where a) over x from t window x as (order by a), y as ()
select sum(a) filter from t
select count(distinct) from t
select count(distinct *) from t
select count(* order by a) from t
select count(order by a) from t
select count(a order by b desc nulls last, c) from t
select a between 1 or 2 and 3
select a between 1 or 2
select a escape b
select a in
select a in (
select a in (1,
select a not
select a not b
select a is not distinct from b from t
select a is distinct b from t
select cast(a as)
select cast(a)
select case end
select case when 1 then 2
select case a else 2 end
select exists(1)
select exists (select 1) from
select (select 1, )
select ()
select (1,)
select 1 from t where
select 1 from t group by
select 1 from t group a
select 1 from t having 1
select 1 from t order by a asc desc
select 1 from t limit 1,2 offset 3
select 1 from t limit 1 offset
select 1 union
select 1 union all values(1) order by 1
values(1),
values 1
reindex a.b
analyze a.b.c
alter table t rename to
alter table t rename column to x
alter table t rename a to b
alter table t rename column
alter table t add column
alter table t add a int,
alter table t foo
drop table if exists
drop table if
drop foo x
create foo
create temp index i on t(a)
create unique table x(a)
create temp table temp.x(a)
create table main.x.y(a)
create table x
create table x(
create table x()
create table x(a,)
create table x as
create table x(a) as select 1
explain explain select 1
explain query select 1
select current_date(1)
select current_date from t
select 1;;; select 2
select a->b->>c from t
select a collate b collate nocase from t
select 1 from t1 join t2 join t on a on b
select 1 from t1, t2 using (a, b) cross join t
select 1 from (t1, t2) as x
select 1 from (t1 join t2 on 1) x
select 1 from (t1) where 1
select 1 from t1 natural left outer join t2
select 1 from t1 natural cross join t2
select 1 from t1 left outer right join t2
select 1 from t1 natural 'x' join t2
select 1 from t1 left join t2 indexed by
select raise(ignore,1)
select raise(abort)
select replace(1,2,3), glob(1,2), like(1,2), left(1), if(1,2,3)
select "a" "b"
select :a::b, $a::b(x), @1, :1
select 1 where 1 = = 2
select 1 window w as (order by 1)
select 1 from t window as
select 1 from t window
select 1 as window, 2 as over, 3 as filter
with a as materialized (select 1) select * from a
with a as not materialized (select 1) select * from a
with recursive (select 1) select 1
with recursive as (select 1) select 1
select * from t where a in t1
select * from t where a in main.t1(1)
select * from t where a in t1()
select * from t where (a,b) in (select 1,2)
select not exists (select 1)
select 0x1g
select 0x11111111111111111
select 9223372036854775808, -9223372036854775808
select 1e999
select x'0'
select \1
select é
replace into t values(1,2,3)
insert or foo into t values(1)
insert or replace t values(1)
insert into t(a,b) values(1,2), (3,4)
insert into t() values(1)
insert into t(a) select 1 from t1 on conflict do nothing
insert into t(a) select 1 from t1 where true on conflict do nothing
insert into t values(1,2,3) on conflict (a) where a do update set a=1, (b,c)=(1,2) where a returning *, a as b
update or ignore t as x set a=1 from t1 where 1 returning a
update t1 x set a=1
create trigger tr after insert on t begin update t as y set a=1; end
create trigger tr after insert on t begin delete from t as y; end
create trigger tr after insert on t begin delete from main.t as y; end
create trigger tr after insert on t begin update t set a=1 order by 1; end
create trigger tr after insert on t begin update t set a=1 returning 1; end
create trigger tr after insert on t begin insert into t values(1) on conflict do nothing; end
create table x(a default 1_000)
create table x(a default -1_000)
create index i on t(a desc, b collate nocase) where a > 1
create table x(a as (1), b generated always as (2) stored, c)
select 1 from t where a isnull notnull
with x as (select 1) delete from t
with x as (select 1) replace into t values(1,2,3)
with x as (select 1) create table y(a)
