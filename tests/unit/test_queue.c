/* The messages by queue id: how those wake that were put to sleep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

#include "core/queue.h"

#define HOST STR("host")
#define ID STR("4AAAAAAA")
/* More than the stack holds if each wakes within the one before, at 250 bytes or more. */
#define MANY 2000
#define STACK_BYTES (256 * 1024)

/* Messages of one id, each of its own instance. */
struct world {
	struct queue queue;
	char instance[MANY + 1][24]; /* by row */
	int loads;
	struct queue_entry *found;
};

static struct message *load(void *context, int64_t row)
{
	struct world *w = context;
	struct message *m = message_new();

	w->loads++;
	m->id = row;
	m->time = USEC_SECOND;
	m->host = HOST;
	m->instance = str_of(w->instance[row]);
	m->queue_id = ID;
	m->stored = true;
	return m;
}

static int setup(void **state)
{
	static struct world w;

	w = (struct world){ 0 };
	queue_init(&w.queue, (struct row_source){ .context = &w, .load = load });
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	queue_release(&w->queue);
	return 0;
}

static void add(struct world *w, int64_t row, const char *instance)
{
	struct queue_entry *e = queue_add(&w->queue, HOST, str_of(instance), ID, USEC_SECOND);

	assert_int_equal(e->id, row);
	snprintf(w->instance[row], sizeof(w->instance[row]), "%s", instance);
	e->m->stored = true;
}

/* Used, then not, then out of memory. */
static void put_to_sleep(struct world *w)
{
	for (int i = 0; i < 3; i++)
		queue_put_away(&w->queue);
	assert_int_equal(w->queue.rows.count, 0);
	w->loads = 0;
}

static void *find_one(void *context)
{
	struct world *w = context;

	w->found = queue_find(&w->queue, HOST, STR("postfix-7"), false, ID);
	return NULL;
}

/* Who can write lines can name as many instances as he likes. */
static void test_many_wake_in_turn(void **state)
{
	struct world *w = *state;
	pthread_attr_t small;
	pthread_t thread;

	for (int i = 1; i <= MANY; i++) {
		char instance[24];

		snprintf(instance, sizeof(instance), "postfix-%d", i);
		add(w, i, instance);
	}
	put_to_sleep(w);
	assert_int_equal(pthread_attr_init(&small), 0);
	assert_int_equal(pthread_attr_setstacksize(&small, STACK_BYTES), 0);
	assert_int_equal(pthread_create(&thread, &small, find_one, w), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&small);
	assert_non_null(w->found);
	assert_int_equal(w->found->id, 7);
	assert_int_equal(w->loads, MANY);
	assert_int_equal(w->queue.rows.count, MANY);
	assert_int_equal(w->queue.asleep.count, 0);
	assert_int_equal(w->queue.open, MANY);
}

/* Other instances go on with it, as step_recall() finds: three ways by its id lead to the row,
 * and of two the row does not know. */
static void add_sleeper(struct world *w)
{
	add(w, 1, "");
	queue_restore(&w->queue, HOST, STR("postfix-b"), ID, 1, USEC_SECOND, 0);
	queue_restore(&w->queue, HOST, STR("postfix-c"), ID, 1, USEC_SECOND, 0);
	put_to_sleep(w);
	assert_int_equal(w->queue.asleep.count, 4);
}

static void assert_awake_once(struct world *w, const struct queue_entry *e)
{
	assert_non_null(e);
	assert_ptr_equal(queue_find_row(&w->queue, 1), e);
	assert_ptr_equal(queue_find(&w->queue, HOST, STR(""), false, ID), e);
	assert_int_equal(w->loads, 1);
	assert_int_equal(w->queue.rows.count, 1);
	assert_int_equal(w->queue.asleep.count, 0);
	assert_int_equal(w->queue.open, 1);
}

static void test_wakes_once_by_its_id(void **state)
{
	struct world *w = *state;

	add_sleeper(w);
	assert_awake_once(w, queue_find(&w->queue, HOST, STR(""), false, ID));
}

static void test_wakes_once_by_its_row(void **state)
{
	struct world *w = *state;

	add_sleeper(w);
	assert_awake_once(w, queue_wake_row(&w->queue, 1));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_many_wake_in_turn),
		T(test_wakes_once_by_its_id),
		T(test_wakes_once_by_its_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
