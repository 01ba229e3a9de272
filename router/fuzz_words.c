// SPDX-License-Identifier: BSD-2-Clause
/*
 * fuzz_words.c - libFuzzer target: any text as a list of arguments and of words.
 *
 * A piece splits no further, words end where the text does, and what is quoted is the same when the
 * quotes are gone. Dictionary: fuzz_words.dict.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "router/args.h"

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void quote_again(const char *word)
{
    struct text quote = {0};
    size_t length, length_again;
    char *bytes = args_unquote(word, &length), *again;

    args_quote(&quote, bytes, length);
    again = args_unquote(text_string(&quote), &length_again);
    require(length == length_again && memcmp(bytes, again, length) == 0);
    text_free(&quote);
    free(bytes);
    free(again);
}

static void split_commas(const char *text)
{
    struct words words, again;

    require(words_split_commas(&words, text) == 0);
    for (unsigned i = 0; i < words.n; i++) {
        require(words_split_commas(&again, words.word[i]) == 0 && again.n <= 1);
        words_free(&again);
        require(args_keyword_length(words.word[i]) < strlen(words.word[i]) + !*words.word[i]);
        quote_again(words.word[i]);
    }
    words_free(&words);
}

static void split_spaces(const char *text)
{
    struct words words;
    char *word;

    require(words_split_spaces(&words, text) == 0);
    for (unsigned i = 0; i < words.n; i++) {
        word = words_shift(&text);
        require(strcmp(word, words.word[i]) == 0 && args_is_one_word(word));
        free(word);
    }
    word = words_shift(&text);
    require(!*word && !*text);
    free(word);
    words_free(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = size ? strndup((const char *)data, size) : NULL;   /* so that reading beyond it is seen */

    if (text) {
        split_commas(text);
        split_spaces(text);
    }
    free(text);
    return 0;
}
