/*
 * How often the system is asked for a thread's ID, and what it is said to be, by msquic's own code (patch 0055).
 *
 * usage: thread_id again|other|child
 */
#include "platform_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static int asked;

static long number_of(void) {
    long id;
    __asm__ volatile("syscall" : "=a"(id) : "a"(SYS_gettid) : "rcx", "r11", "memory");
    return id;
}

/* In the place of libc's. */
long syscall(long number, ...) {
    if (number != SYS_gettid) abort();
    asked++;
    return number_of();
}

/* Asks three times. */
static void* say(void* name) {
    int right = 1;
    for (int i = 0; i < 3; i++) right &= (long)CxPlatCurThreadID() == number_of();
    printf("%s %s, asked %d\n", (const char*)name, right ? "right" : "wrong", asked);
    fflush(stdout);
    asked = 0;
    return NULL;
}

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    say("main");
    if (strcmp(argv[1], "other") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, say, "thread") != 0) return 1;
        pthread_join(thread, NULL);
        say("main");
    } else if (strcmp(argv[1], "child") == 0) {
        const pid_t child = fork();
        say(child == 0 ? "child" : "parent");
        if (child == 0) return 0;
        wait(NULL);
    } else {
        say("main");
    }
    return 0;
}
