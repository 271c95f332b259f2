/*
 * minirun-init: performs a program, one raw system call after another.
 *
 * It knows nothing of containers. Every flag, path and policy is in the program, which the
 * runtime compiled and which --explain narrates; this file only executes it, reports, and waits
 * where the program says so. It is freestanding (no libc code inside) so that it is a few
 * kilobytes, starts at once, and needs next to no memory inside a container's limit.
 *
 * Its only argument is the number N of its first descriptor (the ones below are the command's):
 *   N      a SOCK_SEQPACKET socket to the runtime: reports go out, permission to go on comes in
 *   N + 3  the program (src/runc/program/serialise.ts writes it; the structs below are its layout)
 */
#include "syscall.h"
#include <stddef.h>
#include <stdint.h>

enum { QUIET, REPORT, LOCKSTEP };
enum { OP_SYSCALL, OP_WAIT, OP_SIGNAL, OP_CLONE, OP_EXEC };
enum { ARG_IMMEDIATE, ARG_DATA, ARG_SLOT };
enum { PATCH_POINTER, PATCH_I32, PATCH_U64, PATCH_DECIMAL };
enum { REC_BEGIN = 1, REC_END, REC_FAIL, REC_SIGNAL, REC_UNEXPECTED };
enum { NOBODY = 255 /* an actor without steps */ };
enum { FLAG_SILENCE = 1, FLAG_UNATTENDED = 2 };

struct header { uint32_t magic, mode, steps, slots, relocations, patches, expects, actor; };
struct step {
    uint8_t op, actor, becomes, flags;
    int32_t nr, save;
    uint16_t patches, expects;
    uint32_t first_patch, first_expect;
    int32_t ignore[4];
    uint8_t kind[8];
    uint64_t arg[6];
};
struct patch { uint32_t kind, at, value, suffix; };
struct expect { uint32_t at, size; uint64_t mask, equals; };
struct record { uint32_t kind, step; int64_t result; uint64_t ns; };

static int control;

static uint64_t now(void)
{
    int64_t t[2] = { 0, 0 };
    SYS3(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, t, 0);
    return (uint64_t)t[0] * 1000000000u + (uint64_t)t[1];
}

static void report(uint32_t kind, uint32_t step, int64_t result, uint64_t ns)
{
    struct record r = { kind, step, result, ns };
    while (SYS3(__NR_write, control, &r, sizeof r) == -4 /* EINTR */)
        ;
}

/* Blocks until the runtime says go on; its death (end of file) ends this process too. */
static void await_permission(void)
{
    char token[8];
    long n;
    while ((n = SYS3(__NR_read, control, token, sizeof token)) == -4)
        ;
    if (n <= 0)
        quit(125);
}

static void write_decimal(char *to, uint64_t value, const char *suffix)
{
    char digits[20];
    int n = 0;
    do
        digits[n++] = '0' + value % 10;
    while (value /= 10);
    while (n)
        *to++ = digits[--n];
    while ((*to++ = *suffix++))
        ;
}

static void apply(const struct patch *p, uint8_t *data, const int64_t *slot)
{
    switch (p->kind) {
    case PATCH_POINTER: *(uint64_t *)(data + p->at) = (uint64_t)(data + p->value); break;
    case PATCH_I32: *(int32_t *)(data + p->at) = (int32_t)slot[p->value]; break;
    case PATCH_U64: *(uint64_t *)(data + p->at) = (uint64_t)slot[p->value]; break;
    case PATCH_DECIMAL: write_decimal((char *)data + p->at, (uint64_t)slot[p->value], (char *)data + p->suffix); break;
    }
}

static int as_expected(const struct expect *e, const uint8_t *data)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < (e->size & 0xff); i++)
        value |= (uint64_t)data[e->at + i] << (8 * i);
    return ((value & e->mask) == e->equals) != (e->size >> 8);
}

static int ignored(const struct step *s, long result)
{
    for (int i = 0; i < 4; i++)
        if (s->ignore[i] && s->ignore[i] == -result)
            return 1;
    return 0;
}

static int number(const char *digits)
{
    int n = 0;
    while (*digits >= '0' && *digits <= '9')
        n = n * 10 + (*digits++ - '0');
    return n;
}

/* The stack as the kernel hands it over: argc, then argv. */
__attribute__((noreturn, used)) void perform(const uint64_t *stack)
{
    if (stack[0] < 2)
        quit(125);
    control = number((const char *)stack[2]);
    int file = control + 3;
    long size = SYS3(__NR_lseek, file, 0, 2 /* SEEK_END */);
    uint8_t *base = (uint8_t *)sys6(__NR_mmap, 0, size, 3 /* READ|WRITE */, 2 /* PRIVATE */, file, 0);
    struct header *h = (struct header *)base;
    if (size < (long)sizeof *h || (uint64_t)base > -4096ul || h->magic != 0x314e524d)
        quit(125);
    SYS3(__NR_close, file, 0, 0);
    struct step *steps = (struct step *)(h + 1);
    struct patch *relocations = (struct patch *)(steps + h->steps), *patches = relocations + h->relocations;
    struct expect *expects = (struct expect *)(patches + h->patches);
    int64_t *slot = (int64_t *)(expects + h->expects);
    uint8_t *data = (uint8_t *)(slot + h->slots);
    uint32_t actor = h->actor, mode = h->mode;
    for (uint32_t i = 0; i < h->relocations; i++)
        apply(&relocations[i], data, slot);

    for (uint32_t i = 0; i < h->steps; i++) {
        struct step *s = &steps[i];
        if (s->actor != actor)
            continue;
        if (mode == LOCKSTEP) {
            report(REC_BEGIN, i, 0, 0);
            await_permission();
        }
        for (uint32_t p = 0; p < s->patches; p++)
            apply(&patches[s->first_patch + p], data, slot);
        long a[6];
        for (int k = 0; k < 6; k++)
            a[k] = s->kind[k] == ARG_DATA ? (long)(data + s->arg[k])
                 : s->kind[k] == ARG_SLOT ? (long)slot[s->arg[k]] : (long)s->arg[k];
        uint64_t start = mode == QUIET ? 0 : now();
        long result = 0;
        if (s->op == OP_WAIT)
            await_permission();
        else if (s->op == OP_SIGNAL)
            report(REC_SIGNAL, i, 0, 0);
        else
            result = sys6(s->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
        if (s->op == OP_CLONE && result == 0) {
            actor = s->becomes;
            continue;
        }
        uint64_t ns = mode == QUIET ? 0 : now() - start;
        if (result < 0 && result >= -4095 && !ignored(s, result)) {
            report(REC_FAIL, i, result, ns);
            quit(125);
        }
        if (s->save >= 0)
            slot[s->save] = result;
        for (uint32_t e = 0; result >= 0 && e < s->expects; e++)
            if (!as_expected(&expects[s->first_expect + e], data)) {
                report(REC_UNEXPECTED, i, e, ns);
                quit(125);
            }
        if (mode != QUIET || s->op == OP_CLONE || s->op == OP_EXEC)
            report(REC_END, i, result, ns);
        if (s->op == OP_CLONE && s->becomes != NOBODY && mode == LOCKSTEP)
            mode = REPORT; /* the child reads from the same socket: it must not get permissions meant for us */
        if (s->flags & FLAG_UNATTENDED && mode == LOCKSTEP)
            mode = REPORT; /* the runtime leaves: nobody could give permission */
        if (s->flags & FLAG_SILENCE)
            mode = QUIET;
    }
    quit(0);
}
ENTRY(perform);
