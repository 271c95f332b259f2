/* One raw system call, without libc: what the programs in this folder are made of. */
#ifndef MINIRUN_SYSCALL_H
#define MINIRUN_SYSCALL_H
#include <asm/unistd.h>

#if defined(__x86_64__)
static long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
    long r;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}
/* The kernel enters here with argc, argv and envp on the stack; FUNCTION gets their address. */
#define ENTRY(FUNCTION) \
    __asm__(".globl _start\n_start:\n\txor %ebp,%ebp\n\tmov %rsp,%rdi\n\tand $-16,%rsp\n\tcall " #FUNCTION "\n\thlt\n")
#elif defined(__aarch64__)
static long sys6(long nr, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = nr;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#define ENTRY(FUNCTION) __asm__(".globl _start\n_start:\n\tmov x29,#0\n\tmov x0,sp\n\tbl " #FUNCTION "\n")
#else
#error "minirun's native programs know x86-64 and arm64"
#endif

#define SYS3(nr, a, b, c) sys6(nr, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define SYS4(nr, a, b, c, d) sys6(nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

static inline __attribute__((noreturn)) void quit(int code)
{
    for (;;)
        SYS3(__NR_exit_group, code, 0, 0);
}
#endif
