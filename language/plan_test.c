// SPDX-License-Identifier: BSD-2-Clause
/*
 * plan_test.c - the language from text to flat plan: what comes out, or the errors.
 *
 * Each case is a text and either the flat configuration or the messages. Without a table of
     classes,
 * names that begin with a capital letter are classes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "language/plan.h"

struct test {
    const char *name, *text;
    const char *flat;               /* NULL: it has errors */
    const char *errors;             /* NULL: none, no warning either */
};

static const struct test tests[] = {
    {"nothing", "", "", NULL},
    {"declaration", "c :: Counter;", "c :: Counter;\n\n", NULL},
    {"configuration is kept as written", "q :: Queue( 10 /* ten */, \"a)b\" (c) )",
     "q :: Queue( 10 /* ten */, \"a)b\" (c) );\n\n", NULL},
    {"declaration of several", "a, b :: Idle(1);", "a :: Idle(1);\nb :: Idle(1);\n\n", NULL},
    {"in a chain only the last is declared", "a :: Idle; a, b :: Idle(1) -> Discard;",
     "a :: Idle;\nb :: Idle(1);\nDiscard@3 :: Discard;\n\na -> Discard@3;\nb -> Discard@3;\n",
     NULL},
    {"chain with ports", "a :: A; b :: B; a [1] -> [2] b [3] -> a",
     "a :: A;\nb :: B;\n\nb [3] -> a;\na [1] -> [2] b;\n", NULL},
    {"port numbers in other bases", "a :: A; a [0x1f] -> [017] a; a[0b11] -> a",
     "a :: A;\n\na [3] -> a;\na [31] -> [15] a;\n", NULL},
    {"anonymous names count declarations", "Idle -> x :: Counter -> Discard; Idle -> Discard",
     "Idle@1 :: Idle;\nx :: Counter;\nDiscard@3 :: Discard;\nIdle@4 :: Idle;\n"
     "Discard@5 :: Discard;\n\nIdle@1 -> x\n    -> Discard@3;\nIdle@4 -> Discard@5;\n", NULL},
    {"anonymous names make way for those given", "Idle@1, Idle@2 :: Null; Idle; Idle; Idle@5 "
     ":: Null",
     "Idle@1 :: Null;\nIdle@2 :: Null;\nIdle@3 :: Idle;\nIdle@4 :: Idle;\nIdle@5 :: Null;\n\n",
     NULL},
    {"anonymous names count up from one that is taken", "Idle@2 :: Null; Idle; Idle@3 :: Null;",
     "Idle@2 :: Null;\nIdle@4 :: Idle;\nIdle@3 :: Null;\n\n", NULL},
    {"inline declaration", "Idle -> c :: Counter -> Discard; c [1] -> Discard",
     "Idle@1 :: Idle;\nc :: Counter;\nDiscard@3 :: Discard;\nDiscard@4 :: Discard;\n\n"
     "Idle@1 -> c\n    -> Discard@3;\nc [1] -> Discard@4;\n", NULL},
    {"repeated connections merge", "a, b :: A; a -> b; a -> b; a [0] -> [0] b",
     "a :: A;\nb :: A;\n\na -> b;\n", NULL},
    {"circles are printed too", "a, b :: A; a -> b -> a; c :: A; c -> c",
     "a :: A;\nb :: A;\nc :: A;\n\nc -> c;\nb -> a\n    -> b;\n", NULL},
    {"comments and line ends", "a :: // one\r\nA; /* two\n * three **/ b :: A # x\n",
     NULL, "t:3: syntax error near '#'\nt:3: undeclared element 'x'\n"},
    {"comment ends a name", "an/id//too/many\n :: A", "an/id :: A;\n\n", NULL},
    {"one to many and many to one", "a, b, c :: A; a -> b, c; a, b [1] -> c",
     "a :: A;\nb :: A;\nc :: A;\n\na -> b;\na -> c;\nb [1] -> c;\n", NULL},
    {"many to many", "a, b, c :: A; a => b, c, [0,1] a;",
     "a :: A;\nb :: A;\nc :: A;\n\na [2] -> a\n    -> b;\na [3] -> [1] a;\na [1] -> c;\n", NULL},
    {"port lists", "a, b :: A; a [0-2] => [1,3-4] b",
     "a :: A;\nb :: A;\n\na -> [1] b;\na [1] -> [3] b;\na [2] -> [4] b;\n", NULL},
    {"expandable ports", "a, b :: A; a [1-] => [4,7,5] b; b [] => [0-1] a",
     "a :: A;\nb :: A;\n\nb -> a;\nb [1] -> [1] a;\na [1] -> [4] b;\na [3] -> [5] b;\n"
     "a [2] -> [7] b;\n", NULL},

    {"compound", "elementclass F { input -> Counter -> output } Idle -> f :: F -> Discard",
     "Idle@1 :: Idle;\nDiscard@3 :: Discard;\nf/Counter@1 :: Counter;\n\n"
     "Idle@1 -> f/Counter@1\n    -> Discard@3;\n", NULL},
    {"anonymous compound", "Idle -> { -> Counter -> } -> Discard",
     "Idle@1 :: Idle;\nDiscard@3 :: Discard;\n@2/Counter@1 :: Counter;\n\n"
     "Idle@1 -> @2/Counter@1\n    -> Discard@3;\n", NULL},
    {"compound without elements", "Idle -> { -> } -> { [0] -> [0] } -> Discard",
     "Idle@1 :: Idle;\nDiscard@4 :: Discard;\n\nIdle@1 -> Discard@4;\n", NULL},
    {"nested compounds", "elementclass A { x :: { input -> y :: Y -> output }; input -> x -> "
     "output; z :: Z }"
     " Idle -> a :: A -> Discard; w :: W",
     "Idle@1 :: Idle;\nDiscard@3 :: Discard;\nw :: W;\na/z :: Z;\na/x/y :: Y;\n\n"
     "Idle@1 -> a/x/y\n    -> Discard@3;\n", NULL},
    {"several ports", "c :: { input -> X -> output; input [1] -> Y -> [1] output };"
     " a, b, d :: A; a -> c -> b; a [1] -> [1] c [1] -> d",
     "a :: A;\nb :: A;\nd :: A;\nc/X@1 :: X;\nc/Y@2 :: Y;\n\na -> c/X@1\n    -> b;\n"
     "a [1] -> c/Y@2\n    -> d;\n", NULL},
    {"many through one port", "x :: { input -> output }; a, b, c, d :: A; a, b -> x -> c, d",
     "a :: A;\nb :: A;\nc :: A;\nd :: A;\n\na -> c;\nb -> c;\na -> d;\nb -> d;\n", NULL},
    {"classes are not recursive", "elementclass Queue { input -> Queue -> output } Idle -> "
     "Queue -> D",
     "Idle@1 :: Idle;\nD@3 :: D;\nQueue@2/Queue@1 :: Queue;\n\n"
     "Idle@1 -> Queue@2/Queue@1\n    -> D@3;\n", NULL},
    {"scope of a class", "elementclass A { elementclass B { C } B } A; B",
     "B@2 :: B;\nA@1/B@1/C@1 :: C;\n\n", NULL},
    {"synonym", "elementclass Q Queue; Q; x :: Q(3); elementclass R Q; R",
     "Q@1 :: Queue;\nx :: Queue(3);\nR@3 :: Queue;\n\n", NULL},
    {"synonym of a compound", "elementclass A { $a | X($a) } elementclass B A; B(1)",
     "B@1/X@1 :: X(1);\n\n", NULL},
    {"elements of the outside are not seen", "a :: A; x :: { a -> output } -> D",
     NULL, "t:1: undeclared element 'a'\n"},

    {"parameters", "elementclass F { $a, $b | X($b, $a) } F(1, (2, 3) 4); F(1, \"2,\")",
     NULL, "t:1: no match for 'F[3 arguments, 0 inputs, 0 outputs]'\nt:1: candidates are:\n"
     "t:1:   F(<arg>, <arg>)[0 inputs, 0 outputs]\n"},
    {"parameters are text", "elementclass F { $a, $b | X($b, $a) } F(1 2, \"3,\")",
     "F@1/X@1 :: X(\"3,\", 1 2);\n\n", NULL},
    {"keywords", "elementclass F { $a, COUNT $c, __REST__ $r | X($a, $c, $r) } F(1, 2, COUNT "
     "3, FOO 4);"
     " F(COUNT 5, COUNT 6)",
     "F@1/X@1 :: X(1, 3, 2, FOO 4);\nF@2/X@1 :: X(COUNT 5, 6, );\n\n", NULL},
    {"missing keyword", "{ COUNT $c | X($c) } (1)",
     NULL, "t:1: no match for '<anonymous>[1 argument, 0 inputs, 0 outputs]'\n"
     "t:1: candidates are:\nt:1:   <anonymous>(COUNT)[0 inputs, 0 outputs]\n"},
    {"overloads by arguments and ports",
     "elementclass F { $a | X($a) || input -> Y -> output || $a, $b | Z($a, $b) }\n"
     "F(1); F(1, 2); A -> F -> A",
     "A@3 :: A;\nA@5 :: A;\nF@1/X@1 :: X(1);\nF@2/Z@1 :: Z(1, 2);\nF@4/Y@1 :: Y;\n\n"
     "A@3 -> F@4/Y@1\n    -> A@5;\n", NULL},
    {"extension of a class", "elementclass F { $a | X }\nelementclass F { $a, $b | Y || ... }\n"
     "elementclass h { $a | Z || ... }", NULL, "t:3: cannot extend unknown element class 'h'\n"},
    {"extension of a primitive", "elementclass Queue { $a, $b | Q($a) || ... }\nQueue(1); "
     "Queue(1, 2)",
     "Queue@1 :: Queue(1);\nQueue@2/Q@1 :: Q(1);\n\n", NULL},

    {"parameters follow the text, not the use", "define($x file)\nelementclass A { X($x) }\n"
     "elementclass B { $x | A; Y($x) }\nB(b)",
     "B@1/Y@2 :: Y(b);\nB@1/A@1/X@1 :: X(file);\n\n", NULL},
    {"outer parameters in inner classes",
     "elementclass A { $a | elementclass B { $b | X($a, $b) } B($a 2) } A(1)",
     "A@1/B@1/X@1 :: X(1, 1 2);\n\n", NULL},
    {"define comes before its text", "X($a, ${b}); define($a 1, $b $a$a)", "X@1 :: X(1, 11);\n\n",
     NULL},
    {"forms of variables", "define($a 1 2, $i 1) X($a, ${a[0]}${a[$i]}${a[2]}, $no, ${no}, "
     "${no-$i}, "
     "'$a', \"$a\\$a\", \\$i, $i$i_$)",
     "X@1 :: X(1 2, 12, $no, ${no}, 1, '$a', \"1 2\\$a\", \\1, 1$i_$);\n\n", NULL},
    {"values between double quotes", "define($a \"x\\n\" y) X($a, \"<$a>\", '<$a>')",
     "X@1 :: X(\"x\\n\" y, \"<\\\"x\\\\n\\\" y>\", '<$a>');\n\n", NULL},
    {"comments are not for variables", "define($a 1) X(/* $a */ $a // $a\n)",
     "X@1 :: X(/* $a */ 1 // $a\n);\n\n", NULL},
    {"a value of itself", "define($a $a) X($a)", "X@1 :: X($a);\n\n", NULL},
    {"defined twice", "define($a 1, $a 2)\n", NULL, "t:1: parameter '$a' multiply defined\n"},
    {"not a variable", "define(a 1, $ 2, $b)", NULL,
     "t:1: bad 'define' declaration: not a variable: 'a 1'\n"
     "t:1: bad 'define' declaration: not a variable: '$ 2'\n"},

    {"group", "x, y :: A; x -> c :: C => ( input [0] -> output; input [1] -> P(1) -> output ) -> y",
     "x :: A;\ny :: A;\nc :: C;\nP@7 :: P(1);\n\nx -> c\n    -> y;\nc [1] -> P@7\n    -> y;\n",
     NULL},
    {"groups share the scope", "a, d :: A; a => (-> c :: A), (-> b :: A), d; b -> c",
     "a :: A;\nd :: A;\nc :: A;\nb :: A;\n\na [2] -> d;\na -> c;\na [1] -> b\n    -> c;\n", NULL},
    {"groups of nothing", "x, y :: A; x -> (->) -> y; x => ( [0] -> [0]; [1] -> [1] ) => (-> "
     "(->) ->; [1] -> [0]) -> y",
     "x :: A;\ny :: A;\n\nx -> y;\nx [1] -> y;\n", NULL},
    {"group in group", "x, y :: A; x -> ( -> ( -> Z -> ) -> ) -> y",
     "x :: A;\ny :: A;\nZ@9 :: Z;\n\nx -> Z@9\n    -> y;\n", NULL},
    {"group ports must be in sequence", "A -> ( [0] -> D; [2] -> D )", NULL,
     "t:1: '<anonymous group>' input 1 missing\nt:1: '@2' has no input 1\n"},

    {"line directives", "# 10 \"other\"\nX Y;\n#line 20\nz;\n# 5 \"\"\nz2;", NULL,
     "other:20: undeclared element 'z'\nt:5: undeclared element 'z2'\n"},
    {"line directive in a configuration", "x :: X(a\n# 100 \"other\"\nb\n); y", NULL,
     "other:101: undeclared element 'y'\n"},
    {"unknown directive", "#define X\nX", NULL, "t:1: unknown preprocessor directive\n"},
    {"requirements", "require(compact_config, package fancy, short); X",
     "require(compact_config, package \"fancy\", package \"short\");\n\nX@1 :: X;\n\n", NULL},
    {"odd requirement", "require(a b c); require(library x)", NULL,
     "t:1: syntax error at requirement 'a b c'\n"
     "t:1: library 'x': there are no library files here\n"},

    {"redeclaration names both places", "x :: A;\nc :: C;\n\nc :: C; x :: B", NULL,
     "t:4: redeclaration of element 'c'\nt:2: element 'c' previously declared here\n"
     "t:4: redeclaration of element 'x'\nt:1: element 'x' previously declared here\n"},
    {"redeclaration by a compound", "x/y :: A;\nx :: { y :: B };", NULL,
     "t:2: redeclaration of element 'x/y'\nt:1: element 'x/y' previously declared here\n"},
    {"undeclared once", "A -> x;\nx -> y;\nx -> A", NULL,
     "t:1: undeclared element 'x'\nt:2: undeclared element 'y'\n"},
    {"declared after all", "A -> x;\nx :: A; x -> A", NULL, "t:1: undeclared element 'x'\n"},
    {"unknown class", "a :: b; foo(1) -> A; c :: b", NULL,
     "t:1: unknown element class 'b'\nt:1: unknown element class 'foo'\n"},
    {"class as element", "A :: B", NULL, "t:1: class 'A' used as element name\n"},
    {"numeric name", "x/1 :: A; 2 :: A; 2a :: A", NULL,
     "t:1: element name 'x/1' has all-digit component\n"
     "t:1: element name '2' has all-digit component\n"},
    {"configuration of a reference", "a :: A;\nA -> a(1)", NULL,
     "t:2: configuration string ignored on element reference 'a'\n"},
    {"loose ports", "[1] A -> B [2];", NULL,
     "t:1: input ports ignored at start of chain\nt:1: output ports ignored at end of chain\n"},
    {"bad ports", "a :: A; a[x] -> a; a[0,,1] -> a; a[99999] -> a; a[2-1] -> a; a[0", NULL,
     "t:1: syntax error: port number should be integer, not 'x'\n"
     "t:1: syntax error: expected port number\n"
     "t:1: port number 99999 too large (at most 65535)\n"
     "t:1: ports 2-1 run backwards\nt:1: syntax error: expected ','\n"
     "t:1: output ports ignored at end of chain\n"},
    {"numbers of ports differ", "a, b :: A; a [0,1] => [0,1,2] b;\na [] => [] b;\na[0,1] -> "
     "[0,1] b",
     NULL, "t:1: connection mismatch: 2 outputs connected to 3 inputs\n"
     "t:2: at most one expandable port allowed per connection\n"
     "t:3: syntax error: many-to-many connections require '=>'\n"},
    {"goes on after syntax errors", "-> A; A ->; B -> :: ;\n) } ] | ; provide(x)\nx", NULL,
     "t:1: syntax error near '->'\nt:1: syntax error near ';'\nt:1: syntax error near '::'\n"
     "t:2: syntax error near ')'\nt:2: syntax error near '}'\nt:2: syntax error near ']'\n"
     "t:2: syntax error near '|'\nt:2: syntax error near 'provide'\n"
     "t:2: undeclared element 'x'\n"},
    {"unclosed", "elementclass A {\n x :: X(", NULL,
     "t:2: expected ')'\nt:2: configuration string begins here\nt:2: expected '}'\n"
     "t:1: the '{' that is missing its '}' stands here\n"},
    {"unclosed comment", "A;\n/* B;\n\n", NULL, "t:2: comment that begins here has no '*/'\n"},
    {"misuse of input and output", "elementclass F { A -> input; output -> A }", NULL,
     "t:1: 'F' pseudoelement 'input' may only be used as output\n"
     "t:1: 'F' pseudoelement 'output' may only be used as input\n"},
    {"gap in the ports", "elementclass F {\n input [2] -> D }", NULL,
     "t:1: 'F' input 0 missing\nt:1: 'F' input 1 missing\n"},
    {"wrong ports of a compound", "elementclass F { input -> D }\nx :: F; A -> x; A -> [1] x "
     "[2] -> D\n"
     "y :: F", NULL,
     "t:2: 'x' has no input 1\nt:2: 'x' has no output 2\nt:3: 'y' input 0 unused\n"},
    {"passages in a circle", "x :: { input -> output } -> x; A -> x", NULL,
     "t:1: 'x' is connected to itself with no element in between\n"},
    {"formals out of order", "elementclass f { COUNT $c, $a | X }\nelementclass f { $a, $a | }\n"
     "elementclass f { A $a, A $b | X }\nelementclass f { $a X }", NULL,
     "t:1: compound element parameters out of order "
     "(the correct order is: positional, keywords, __REST__)\n"
     "t:2: parameter '$a' multiply defined\n"
     "t:3: repeated keyword parameter 'A' in compound element\n"
     "t:4: expected ',' or '|'\n"},
};

enum { N_TESTS = sizeof(tests) / sizeof(*tests) };

static struct plan *parse(const char *text, size_t length, struct errors *errors)
{
    return language_parse(text, length, "t", NULL, errors);
}

static void test_case(void **state)
{
    const struct test *test = *state;
    struct errors errors = {0};
    struct text flat = {0}, again = {0};
    struct plan *plan = parse(test->text, strlen(test->text), &errors);

    assert_non_null(plan);
    assert_string_equal(text_string(&errors.text), test->errors ? test->errors : "");
    assert_int_equal(errors.count != 0, test->flat == NULL);
    if (test->flat) {
        plan_unparse(plan, &flat);
        assert_string_equal(text_string(&flat), test->flat);
        /* What we print means the same when it is read again. */
        plan_free(plan);
        plan = parse(flat.s ? flat.s : "", flat.length, &errors);
        assert_int_equal(errors.count, 0);
        plan_unparse(plan, &again);
        assert_string_equal(text_string(&again), text_string(&flat));
    }
    plan_free(plan);
    text_free(&flat);
    text_free(&again);
    errors_free(&errors);
}

static void test_places(void **state)
{
    const char *text = "a :: A;\n\nb ::\n  B;\na\n -> \nb;\nrequire(p)";
    struct errors errors = {0};
    struct plan *plan = parse(text, strlen(text), &errors);

    (void)state;
    assert_int_equal(errors.count, 0);
    assert_int_equal(plan->n_elements, 2);
    assert_string_equal(plan->elements[0].landmark, "t:1");
    assert_string_equal(plan->elements[1].landmark, "t:3");
    assert_int_equal(plan->n_connections, 1);
    assert_string_equal(plan->connections[0].landmark, "t:6");
    assert_string_equal(plan->requirements[0].landmark, "t:8");
    plan_free(plan);
    errors_free(&errors);
}

/* "config:" in front of a line number needs no second colon. */
static void test_file_names(void **state)
{
    struct errors errors = {0};

    (void)state;
    plan_free(language_parse("x", 1, "line ", NULL, &errors));
    plan_free(language_parse("x", 1, "e:", NULL, &errors));
    assert_string_equal(text_string(&errors.text),
                        "line 1: undeclared element 'x'\ne:1: undeclared element 'x'\n");
    errors_free(&errors);
}

static bool only_counter(const char *name)
{
    return strcmp(name, "Counter") == 0;
}

static char *read_library(void *closure, const char *name, const char *includer, char **path,
                          size_t *length)
{
    static const char *const files[][2] = {
        {"one", "require(library two); elementclass A { b :: B }"},
        {"two", "require(library one); elementclass B { Counter }"},
        {"bad", "\nelementclass"},
        {"self", "{ require(library one) }"},
    };
    size_t i;

    (void)includer;
    (*(int *)closure)++;
    for (i = 0; i < sizeof(files) / sizeof(*files); i++)
        if (strcmp(files[i][0], name) == 0) {
            *path = strdup(name);
            *length = strlen(files[i][1]);
            return strdup(files[i][1]);
        }
    return NULL;
}

static void test_options(void **state)
{
    static const struct language_define defines[] = {{"x", "7"}, {"y", "$x$x"}};
    int calls = 0;
    const struct language_options options = {
        .class_known = only_counter, .defines = defines, .n_defines = 2,
        .read_library = read_library, .closure = &calls,
    };
    static const struct { const char *text, *flat, *errors; } cases[] = {
        {"Counter($x, $y, $z); define($x 1, $z $x)", "Counter@1 :: Counter(7, 77, 7);\n\n", ""},
        {"define($x 1) x :: { $x | Counter($x $y) } (2)", "x/Counter@1 :: Counter(2 22);\n\n", ""},
        {"Idle", "", "t:1: undeclared element 'Idle'\n"},
        {"require(library one, library two); a :: A", "a/b/Counter@1 :: Counter;\n\n", ""},
        {"require(library bad)\nx", "",
         "bad:2: expected element type name\nbad:2: syntax error at end of file\n"
         "t:2: undeclared element 'x'\n"},
        {"require(library none, library self)", "", "t:1: library 'none' not found in "
     "CLICKPATH/conf\n"
         "self:1: 'require library' must be used at file scope\n"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct errors errors = {0};
        struct text flat = {0};
        struct plan *plan = language_parse(cases[i].text, strlen(cases[i].text), "t", &options,
                                           &errors);

        assert_string_equal(text_string(&errors.text), cases[i].errors);
        if (!errors.count) {
            plan_unparse(plan, &flat);
            assert_string_equal(text_string(&flat), cases[i].flat);
        }
        plan_free(plan);
        text_free(&flat);
        errors_free(&errors);
    }
    assert_true(calls > 0);
}

/* Texts that are small, or one thing over and over, and would grow beyond bounds. */
static char *repeat(const char *before, const char *unit, unsigned n, const char *after)
{
    struct text text = {0};
    unsigned i;

    text_puts(&text, before);
    for (i = 0; i < n; i++)
        text_puts(&text, unit);
    text_puts(&text, after);
    assert_false(text.failed);
    return text_take(&text);
}

static void check_large(char *text, unsigned n_elements, const char *first_error)
{
    struct errors errors = {0};
    struct plan *plan = parse(text, strlen(text), &errors);

    assert_non_null(plan);
    if (first_error)
        assert_memory_equal(text_string(&errors.text), first_error, strlen(first_error));
    else
        assert_string_equal(text_string(&errors.text), "");
    assert_int_equal(plan->n_elements, n_elements);
    plan_free(plan);
    errors_free(&errors);
    free(text);
}

static void test_limits(void **state)
{
    struct text laugh = {0};
    unsigned i;

    (void)state;
    check_large(repeat("", "{", 100000, ""), 0,
                "t:1: compound elements and groups nested more than 50 deep\n");
    check_large(repeat("", "(", 100000, ""), 0,
                "t:1: compound elements and groups nested more than 50 deep\n");
    check_large(repeat("X(", "(", 100000, ""), 1, "t:1: expected ')'\n");
    check_large(repeat("X($", "${", 100000, ")"), 1, NULL);
    check_large(repeat("X", "->X", 100000, ""), 100001, NULL);
    check_large(repeat("a::A", " -> (->)", 100000, " -> b::A"), 2, NULL);
    check_large(repeat("a :: A; a ", "-> (->), (->) -> (->) ", 60, "-> a"), 1, NULL);

    text_puts(&laugh, "elementclass A0 { X; X }");
    for (i = 1; i < 60; i++)
        text_printf(&laugh, "elementclass A%u { A%u; A%u }", i, i - 1, i - 1);
    text_puts(&laugh, "A59");
    check_large(text_take(&laugh), 0, "t:1: ");

    text_puts(&laugh, "define($z \"\"");
    for (i = 0; i < 10; i++)
        text_printf(&laugh, ", $%c $%c$%c$%c$%c$%c$%c$%c$%c$%c$%c$%c$%c$%c$%c$%c$%c", 'a' + i,
                    'b' + i, 'b' + i, 'b' + i, 'b' + i, 'b' + i, 'b' + i, 'b' + i, 'b' + i, 'b' + i,
                    'b' + i, 'b' + i, 'b' + i, 'b' + i, 'b' + i, 'b' + i, 'b' + i);
    text_puts(&laugh, "); X($a)");
    check_large(text_take(&laugh), 1, "t:1: configuration too large when expanded\n");
}

static void test_nul_bytes(void **state)
{
    static const char text[] = "a :: A(x\0y);\n\0 b :: B; c\0 :: C";
    struct errors errors = {0};
    struct plan *plan = parse(text, sizeof(text) - 1, &errors);

    (void)state;
    assert_string_equal(text_string(&errors.text),
                        "t:1: NUL byte in the configuration string that begins here\n"
                        "t:2: syntax error near '\\000'\nt:2: undeclared element 'c'\n"
                        "t:2: syntax error near '\\000'\nt:2: syntax error near '::'\n");
    plan_free(plan);
    errors_free(&errors);
    plan_free(parse(NULL, 0, &errors));
    assert_int_equal(errors.count, 0);
}

/* To an empty plan, and to one that has elements; what was there stays. */
static void test_added_elements(void **state)
{
    static const char *const texts[] = {"", "a :: A(1) -> b :: B;"};
    static const char *const flats[] = {
        "x :: X(y, 1);\nx@1 :: X;\n\n",
        "a :: A(1);\nb :: B;\nx :: X(y, 1);\nx@1 :: X;\n\na -> b;\n",
    };

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct errors errors = {0};
        struct plan *plan = parse(texts[i], strlen(texts[i]), &errors);
        struct text flat = {0};
        char name[] = "x";

        assert_true(plan_add_element(plan, name, "X", "y, 1", "option"));
        name[0] = 'z';                  /* strings are copied */
        assert_true(plan_add_element(plan, "x@1", "X", "", "option"));
        assert_string_equal(plan->elements[plan->n_elements - 2].landmark, "option");
        plan_unparse(plan, &flat);
        assert_string_equal(text_string(&flat), flats[i]);
        text_free(&flat);
        plan_free(plan);
        errors_free(&errors);
    }
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(test_places), cmocka_unit_test(test_file_names),
        cmocka_unit_test(test_options), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_nul_bytes), cmocka_unit_test(test_added_elements),
    };
    struct CMUnitTest cases[N_TESTS];
    size_t i;

    for (i = 0; i < N_TESTS; i++)
        cases[i] = (struct CMUnitTest){
            .name = tests[i].name, .test_func = test_case, .initial_state = (void *)&tests[i],
        };
    return _cmocka_run_group_tests("plan: cases", cases, N_TESTS, NULL, NULL) +
           cmocka_run_group_tests_name("plan: the rest", others, NULL, NULL);
}
