/*
 * Adds a reference to an object that has so many, by msquic's own code; how many it has then.
 *
 * usage: dead_reference COUNT
 */
#include "platform_internal.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    CXPLAT_REF_COUNT count = atoi(argv[1]);
    CxPlatRefIncrement(&count);
    printf("%d\n", (int)count);
    return 0;
}
