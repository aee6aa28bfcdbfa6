//! Each operator and function of the expression language, over the same three rows on each backend.

mod support;

use aludel::expr::Order;
use aludel::prelude::*;
use aludel::query::Selection;
use support::on_each_with;

#[derive(Entity, Debug, Clone, PartialEq)]
#[entity(table = "samples")]
struct Sample {
    #[column(primary_key)]
    id: Id<Sample>,
    int: i64,
    small: Option<i32>,
    real: f64,
    text: String,
    other: Option<String>,
    flag: bool,
}

/// | id | int | small | real | text | other | flag |
/// |---|---|---|---|---|---|---|
/// | 1 | 7 | 2 | 2.5 | `Abc` | `x y` | true |
/// | 2 | -3 | NULL | -0.5 | `abc%` | NULL | false |
/// | 3 | 0 | 10 | 100 | `` | `Ünï` | true |
fn rows() -> [Sample; 3] {
    let text = |text: &str| Some(text.to_owned());
    [
        Sample {
            small: Some(2),
            other: text("x y"),
            ..Sample::new(7, 2.5, "Abc", true)
        },
        Sample::new(-3, -0.5, "abc%", false),
        Sample {
            small: Some(10),
            other: text("Ünï"),
            ..Sample::new(0, 100.0, "", true)
        },
    ]
}

fn on_samples(test: impl Fn(&mut aludel::Connection) -> aludel::Result<()>) {
    on_each_with(
        || schema![Sample],
        |engine| {
            let mut connection = engine.connect()?;
            connection.insert(rows()).run()?;
            test(&mut connection)
        },
    );
}

/// What an expression is for each row, in the order of their ids.
#[track_caller]
fn gives<O: Selection<Row: PartialEq + std::fmt::Debug>>(
    expression: impl Fn(SampleColumns) -> O,
    expected: impl Fn() -> Vec<O::Row>,
) {
    on_samples(|connection| {
        let given = connection
            .query::<Sample>()
            .order_by(|s| s.id)
            .select(&expression)
            .fetch()?;
        assert_eq!(given, expected());
        Ok(())
    });
}

/// What an aggregate is over all rows.
#[track_caller]
fn gives_one<O: Selection<Row: PartialEq + std::fmt::Debug>>(
    expression: impl Fn(SampleColumns) -> O,
    expected: impl Fn() -> O::Row,
) {
    on_samples(|connection| {
        let given = connection.query::<Sample>().select(&expression).fetch_one()?;
        assert_eq!(given, expected());
        Ok(())
    });
}

/// Which rows a condition holds for.
#[track_caller]
fn keeps(condition: impl Fn(SampleColumns) -> Expr<bool>, expected: &[i64]) {
    on_samples(|connection| {
        let ids = connection
            .query::<Sample>()
            .filter(&condition)
            .order_by(|s| s.id)
            .select(|s| s.id.cast::<i64>())
            .fetch()?;
        assert_eq!(ids, expected);
        Ok(())
    });
}

/// In which order rows come.
#[track_caller]
fn orders(order: impl Fn(SampleColumns) -> Order, expected: [i64; 3]) {
    on_samples(|connection| {
        let ids = connection
            .query::<Sample>()
            .order_by(&order)
            .select(|s| s.id.cast::<i64>())
            .fetch()?;
        assert_eq!(ids, expected);
        Ok(())
    });
}

macro_rules! cases {
    ($($check:ident $name:ident(|$s:pat_param| $expression:expr, $expected:expr);)*) => {$(
        #[test]
        fn $name() {
            cases!(@ $check |$s| $expression, $expected);
        }
    )*};
    (@ gives $expression:expr, $expected:expr) => { gives($expression, || $expected.into_iter().map(Into::into).collect()) };
    (@ gives_one $expression:expr, $expected:expr) => { gives_one($expression, || $expected) };
    (@ keeps $expression:expr, $expected:expr) => { keeps($expression, &$expected) };
    (@ orders $expression:expr, $expected:expr) => { orders($expression, $expected) };
}

cases! {
    gives arithmetic_add(|s| s.int + 2, [9, -1, 2]);
    gives arithmetic_add_columns(|s| s.int + s.int, [14, -6, 0]);
    gives arithmetic_subtract(|s| s.int - 10, [-3, -13, -10]);
    gives arithmetic_multiply(|s| s.int * 3, [21, -9, 0]);
    gives arithmetic_divide_whole_numbers(|s| s.int / 2, [3, -1, 0]);
    gives arithmetic_divide_reals(|s| s.real / 2.0, [1.25, -0.25, 50.0]);
    gives arithmetic_remainder(|s| s.int % 4, [3, -3, 0]);
    gives arithmetic_minus(|s| -s.int, [-7, 3, 0]);
    gives arithmetic_minus_of_a_sum(|s| -(s.int + 1), [-8, 2, -1]);
    gives arithmetic_precedence(|s| (s.int + 1) * 2 - s.int / (s.int + 8), [16, -4, 2]);
    gives arithmetic_with_null_is_null(|s| s.small + 1, [Some(3), None, Some(11)]);
    gives arithmetic_mixed_columns(|s| s.int * s.int - s.int, [42, 12, 0]);
    gives arithmetic_right_operand_keeps_its_parentheses(|s| val::<i64>(10) - (s.int - 1), [4, 14, 11]);

    keeps compare_equal(|s| s.int.eq(7), [1]);
    keeps compare_equal_columns(|s| s.text.eq(s.text), [1, 2, 3]);
    keeps compare_not_equal(|s| s.int.ne(7), [2, 3]);
    keeps compare_less(|s| s.int.lt(0), [2]);
    keeps compare_less_or_equal(|s| s.int.le(0), [2, 3]);
    keeps compare_greater(|s| s.real.gt(2.5), [3]);
    keeps compare_greater_or_equal(|s| s.real.ge(2.5), [1, 3]);
    keeps compare_with_null_is_not_true(|s| s.small.gt(0), [1, 3]);
    keeps compare_with_null_is_not_false(|s| !s.small.gt(5), [1]);
    keeps compare_texts(|s| s.text.eq("Abc"), [1]);
    keeps compare_texts_minds_case(|s| s.text.eq("ABC"), []);
    keeps compare_text_that_is_not_ascii(|s| s.other.eq("Ünï"), [3]);
    keeps compare_bool(|s| s.flag.eq(true), [1, 3]);
    keeps compare_bool_column_is_a_condition(|s| s.flag & s.int.gt(0), [1]);
    keeps compare_not_of_a_bool_column(|s| !s.flag, [2]);
    keeps compare_expressions_on_both_sides(|s| (s.int * 2).gt(s.int + 5), [1]);

    keeps null_is_null(|s| s.small.is_null(), [2]);
    keeps null_is_not_null(|s| s.small.is_not_null(), [1, 3]);
    keeps null_not_is_null(|s| !s.small.is_null(), [1, 3]);
    keeps null_safe_equal_to_a_value(|s| s.small.is(2), [1]);
    keeps null_safe_equal_to_none(|s| s.small.is(None::<i32>), [2]);
    keeps null_safe_equal_to_some(|s| s.other.is(Some("x y")), [1]);
    keeps null_safe_different(|s| s.small.is_not(2), [2, 3]);
    keeps null_safe_different_from_none(|s| s.small.is_not(None::<i32>), [1, 3]);
    gives null_or_else(|s| s.small.or_else(0), [2, 0, 10]);
    gives null_or_else_of_a_column(|s| s.other.or_else(s.text), ["x y", "abc%", "Ünï"]);
    gives null_if(|s| s.int.null_if(0), [Some(7), Some(-3), None]);

    keeps logic_and(|s| s.int.gt(-5) & s.int.lt(5), [2, 3]);
    keeps logic_or(|s| s.int.eq(7) | s.int.eq(0), [1, 3]);
    keeps logic_or_inside_of_and(|s| (s.int.eq(7) | s.int.eq(0)) & s.real.gt(50.0), [3]);
    keeps logic_and_inside_of_or(|s| s.int.eq(7) | (s.int.eq(0) & s.real.lt(50.0)), [1]);
    keeps logic_not_of_or(|s| !(s.int.eq(7) | s.int.eq(0)), [2]);
    keeps logic_not_not(|s| !!s.int.eq(7), [1]);
    keeps logic_all_of(|s| all_of([s.int.gt(-5), s.int.lt(5), s.real.gt(0.0)]), [3]);
    keeps logic_all_of_nothing(|_| all_of(Vec::<Expr<bool>>::new()), [1, 2, 3]);
    keeps logic_any_of(|s| any_of([s.int.eq(7), s.int.eq(-3)]), [1, 2]);
    keeps logic_any_of_nothing(|_| any_of(Vec::<Expr<bool>>::new()), []);

    keeps list_in(|s| s.int.in_([7, 0, 99]), [1, 3]);
    keeps list_in_a_vec(|s| s.text.in_(vec!["Abc".to_owned()]), [1]);
    keeps list_in_nothing(|s| s.int.in_(Vec::<i64>::new()), []);
    keeps list_not_in(|s| s.int.not_in([7]), [2, 3]);
    keeps list_not_in_nothing(|s| s.int.not_in(Vec::<i64>::new()), [1, 2, 3]);
    keeps list_in_with_null_is_not_true(|s| s.small.in_([2, 10]), [1, 3]);
    keeps list_not_in_with_null_is_not_true(|s| s.small.not_in([2]), [3]);
    keeps list_in_expressions(|s| s.int.in_([s.int + 0, s.int + 1]), [1, 2, 3]);
    keeps list_in_a_query(|s| s.id.in_(query::<Sample>().filter(|o| o.int.lt(0)).select(|o| o.id)), [2]);
    keeps list_not_in_a_query(|s| s.id.not_in(query::<Sample>().filter(|o| o.int.lt(0)).select(|o| o.id)), [1, 3]);

    keeps range_between(|s| s.int.between(-3, 0), [2, 3]);
    keeps range_not_between(|s| !s.int.between(-3, 0), [1]);
    keeps range_between_columns(|s| val::<i64>(5).between(s.int, 10), [2, 3]);
    keeps range_between_reals(|s| s.real.between(-1.0, 2.5), [1, 2]);

    keeps text_like(|s| s.text.like("_bc%"), [1, 2]);
    keeps text_not_like(|s| !s.text.like("_bc%"), [3]);
    keeps text_like_null_is_not_true(|s| s.other.like("%"), [1, 3]);
    keeps text_ilike_ignores_case(|s| s.text.ilike("aBC%"), [1, 2]);
    keeps text_not_ilike(|s| !s.text.ilike("aBC%"), [3]);
    keeps text_starts_with(|s| s.other.starts_with("x "), [1]);
    keeps text_starts_with_escapes(|s| s.text.starts_with("abc%"), [2]);
    keeps text_ends_with(|s| s.text.ends_with("%"), [2]);
    keeps text_contains(|s| s.text.contains("bc"), [1, 2]);
    keeps text_contains_escapes_underscores(|s| s.text.contains("_"), []);
    keeps text_contains_nothing(|s| s.text.contains(""), [1, 2, 3]);
    gives text_concat(|s| s.text.concat("!"), ["Abc!", "abc%!", "!"]);
    gives text_concat_columns(|s| s.text.concat(s.text), ["AbcAbc", "abc%abc%", ""]);
    gives text_concat_null_is_null(|s| s.other.concat("!"), [Some("x y!".to_owned()), None, Some("Ünï!".to_owned())]);
    gives text_lower(|s| s.text.lower(), ["abc", "abc%", ""]);
    gives text_upper(|s| s.text.upper(), ["ABC", "ABC%", ""]);
    gives text_trim(|s| val::<String>("  ").concat(s.text).concat(" ").trim(), ["Abc", "abc%", ""]);
    gives text_length(|s| s.text.length(), [3, 4, 0]);
    gives text_length_counts_characters(|s| s.other.or_else("").length(), [3, 0, 3]);
    gives text_substr(|s| s.text.substr(2, 2), ["bc", "bc", ""]);
    gives text_replace(|s| s.text.replace("bc", "-"), ["A-", "a-%", ""]);
    gives text_nested_functions(|s| s.text.substr(1, 1).upper().concat(s.text.substr(2, 1).lower()), ["Ab", "Ab", ""]);

    gives number_abs(|s| s.int.abs(), [7, 3, 0]);
    gives number_abs_of_reals(|s| s.real.abs(), [2.5, 0.5, 100.0]);
    gives number_round(|s| (s.real / 3.0).round(2), [0.83, -0.17, 33.33]);
    gives number_cast_to_text(|s| s.int.cast::<String>(), ["7", "-3", "0"]);
    gives number_cast_to_real(|s| s.int.cast::<f64>() / 2.0, [3.5, -1.5, 0.0]);
    gives number_cast_from_text(|_| val::<String>("42").cast::<i64>(), [42, 42, 42]);
    gives number_literal(|_| val::<i64>(5), [5, 5, 5]);
    gives number_greatest_of_null(|s| s.small.at_least(5), [Some(5), None, Some(10)]);

    gives case_of_conditions(|s| case::<String>().when(s.int.gt(0), "more").when(s.int.lt(0), "less").otherwise("none"), ["more", "less", "none"]);
    gives case_without_otherwise(|s| when::<String>(s.int.gt(0), "more").or_null(), [Some("more".to_owned()), None, None]);
    gives case_of_columns(|s| when::<i64>(s.flag, s.int).otherwise(-s.int), [7, 3, 0]);
    gives case_inside_of_arithmetic(|s| s.int + when::<i64>(s.flag, 1).otherwise(0), [8, -3, 1]);
    keeps case_in_a_condition(|s| when::<i64>(s.flag, 1).otherwise(0).eq(1), [1, 3]);

    gives_one aggregate_count_all(|_| count_all(), 3);
    gives_one aggregate_count_skips_null(|s| s.small.count(), 2);
    gives_one aggregate_count_distinct(|s| s.flag.count_distinct(), 2);
    gives_one aggregate_sum(|s| s.int.sum(), Some(4));
    gives_one aggregate_sum_of_reals(|s| s.real.sum(), Some(102.0));
    gives_one aggregate_sum_skips_null(|s| s.small.cast::<Option<i64>>().sum(), Some(12));
    gives_one aggregate_avg(|s| s.small.avg(), Some(6.0));
    gives_one aggregate_min(|s| s.int.min(), Some(-3));
    gives_one aggregate_max(|s| s.real.max(), Some(100.0));
    gives_one aggregate_min_of_texts(|s| s.other.min(), Some("x y".to_owned()));
    gives_one aggregate_of_an_expression(|s| (s.int * s.int).sum(), Some(58));
    gives_one aggregate_filtered(|s| count_all().filter_where(s.flag), 2);
    gives_one aggregate_sum_filtered(|s| s.int.sum().filter_where(s.int.lt(0)), Some(-3));
    gives_one aggregate_in_an_expression(|s| s.int.max().or_else(0) - s.int.min().or_else(0), 10);
    gives_one aggregate_several_at_once(|s| (count_all(), s.int.min(), s.int.max()), (3, Some(-3), Some(7)));

    gives window_row_number(|s| row_number().over(|w| w.order_by(s.int)), [3, 1, 2]);
    gives window_rank(|s| rank().over(|w| w.order_by(s.flag.desc())), [1, 3, 1]);
    gives window_dense_rank(|s| dense_rank().over(|w| w.order_by(s.flag.desc())), [1, 2, 1]);
    gives window_percent_rank(|s| percent_rank().over(|w| w.order_by(s.int)), [1.0, 0.0, 0.5]);
    gives window_cume_dist(|s| cume_dist().over(|w| w.order_by(s.flag)).round(3), [1.0, 0.333, 1.0]);
    gives window_ntile(|s| ntile(2).over(|w| w.order_by(s.id)), [1, 1, 2]);
    gives window_running_sum(|s| s.int.sum().over(|w| w.order_by(s.id)), [Some(7), Some(4), Some(4)]);
    gives window_partition(|s| count_all().over(|w| w.partition_by(s.flag)), [2, 1, 2]);
    gives window_sum_of_all(|s| s.int.sum().over(|w| w), [Some(4), Some(4), Some(4)]);
    gives window_frame_of_rows(|s| s.int.sum().over(|w| w.order_by(s.id).rows(Bound::Preceding(1), Bound::Current)), [Some(7), Some(4), Some(-3)]);
    gives window_frame_of_values(|s| s.int.sum().over(|w| w.order_by(s.int).range(Bound::Unbounded, Bound::Current)), [Some(4), Some(-3), Some(-3)]);
    gives window_lag_of_a_partition(|s| s.int.lag(1).over(|w| w.partition_by(s.flag).order_by(s.id)), [None, None, Some(7)]);
    gives window_in_arithmetic(|s| s.int - s.int.min().over(|w| w).or_else(0), [10, 0, 3]);

    orders order_ascending(|s| s.int.asc(), [2, 3, 1]);
    orders order_descending(|s| s.int.desc(), [1, 3, 2]);
    orders order_nulls_first(|s| s.small.asc().nulls_first(), [2, 1, 3]);
    orders order_nulls_last(|s| s.small.asc().nulls_last(), [1, 3, 2]);
    orders order_descending_nulls_first(|s| s.small.desc().nulls_first(), [2, 3, 1]);
    orders order_descending_nulls_last(|s| s.small.desc().nulls_last(), [3, 1, 2]);
    orders order_by_an_expression(|s| (s.int * s.int).asc(), [3, 2, 1]);
    orders order_by_a_function(|s| s.text.length().desc(), [2, 1, 3]);
    orders order_by_a_case(|s| when::<i64>(s.int.lt(0), 0).otherwise(s.id.cast::<i64>()).asc(), [2, 1, 3]);

    gives subquery_scalar(|_| query::<Sample>().select(|o| o.int.max()).scalar(), [Some(7), Some(7), Some(7)]);
    gives subquery_scalar_correlated(|s| query::<Sample>().filter(|o| o.int.lt(s.int)).count(), [2, 0, 1]);
    gives subquery_scalar_without_rows_is_null(|_| query::<Sample>().filter(|o| o.int.gt(100)).select(|o| o.int).scalar(), [None::<i64>, None, None]);
    keeps subquery_exists(|s| query::<Sample>().filter(|o| o.int.gt(s.int)).exists(), [2, 3]);
    keeps subquery_not_exists(|s| !query::<Sample>().filter(|o| o.int.gt(s.int)).exists(), [1]);
    keeps subquery_in_arithmetic(|s| (s.int + query::<Sample>().count()).gt(3), [1]);
    keeps subquery_two_levels(
        |s| query::<Sample>()
            .filter(|o| o.int.gt(s.int) & !query::<Sample>().filter(|p| p.int.gt(o.int)).exists())
            .exists(),
        [2, 3]
    );

    gives open_function(|s| func::<i64>("abs", s.int), [7, 3, 0]);
    gives open_function_of_several(|s| func::<Option<i64>>("coalesce", (s.small.cast::<Option<i64>>(), s.int)), [Some(2), Some(-3), Some(10)]);
    keeps open_raw(|s| raw::<bool>("{} > 5", s.int), [1]);
    keeps open_raw_with_values(|s| raw::<bool>("{} + {} = 9", (s.int, val::<i64>(2))), [1]);
}
