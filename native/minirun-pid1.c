/*
 * minirun-pid1 -- COMMAND [ARG...]: the first process of a container that was started with --init.
 *
 * The kernel treats PID 1 unlike any other process: a signal for which it has no handler does
 * nothing, and every process whose parent has died becomes its child and stays a zombie until
 * it is waited for. Few programs expect that. This one does both jobs for them: it passes
 * signals on to the command, reaps orphans, and ends with the command's exit code (128 + N when
 * signal N ended it). When it ends, the kernel kills what is left in the pid namespace.
 */
#include "syscall.h"
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

enum { PR_SET_CHILD_SUBREAPER = 36, TIOCSPGRP = 0x5410, SIGNAL_SET_SIZE = 8, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

static size_t length(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

static void say(const char *s) { SYS3(__NR_write, 2, s, length(s)); }

static const char *path_of(char **env)
{
    for (; *env; env++)
        if ((*env)[0] == 'P' && (*env)[1] == 'A' && (*env)[2] == 'T' && (*env)[3] == 'H' && (*env)[4] == '=')
            return *env + 5;
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* execvp(3): returns only when it fails, with the errno that says most. */
static int execute(char **argv, char **env)
{
    const char *name = argv[0], *folder = path_of(env);
    static char candidate[4096 + 256];
    int error = ENOENT;
    for (const char *c = name; *c; c++)
        if (*c == '/')
            return (int)-SYS3(__NR_execve, name, argv, env);
    while (*name) {
        size_t n = 0;
        for (; *folder && *folder != ':' && n < 4096; folder++)
            candidate[n++] = *folder;
        if (n)
            candidate[n++] = '/'; /* an empty part of PATH is the working directory */
        for (size_t i = 0; name[i] && n < sizeof candidate - 1; i++)
            candidate[n++] = name[i];
        candidate[n] = 0;
        int e = (int)-SYS3(__NR_execve, candidate, argv, env);
        if (e != ENOENT && e != ENOTDIR)
            error = e;
        if (*folder++ != ':')
            break;
    }
    return error;
}

static __attribute__((noreturn)) void become_command(char **argv, char **env, const uint64_t *mask)
{
    /* Its own process group, in the foreground: Ctrl-C reaches the command, not this program, and
     * a shell can do job control. SIGTTOU, which the change would raise, is still blocked. */
    int self = (int)SYS3(__NR_getpid, 0, 0, 0);
    SYS3(__NR_setpgid, 0, 0, 0);
    SYS3(__NR_ioctl, 0, TIOCSPGRP, &self);
    SYS4(__NR_rt_sigprocmask, SIG_SETMASK, mask, 0, SIGNAL_SET_SIZE);
    int error = execute(argv, env);
    say("minirun-pid1: cannot execute ");
    say(argv[0]);
    say(error == ENOENT ? ": no such file or directory\n" : error == EACCES ? ": permission denied\n" : ": exec failed\n");
    quit(error == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

__attribute__((noreturn, used)) void start(intptr_t *stack)
{
    char **argv = (char **)(stack + 1), **env = argv + stack[0] + 1;
    if (stack[0] < 3 || argv[1][0] != '-' || argv[1][1] != '-' || argv[1][2]) {
        say("usage: minirun-pid1 -- COMMAND [ARG...]\n");
        quit(125);
    }
    /* Blocked signals wait until they are asked for, also those that PID 1 would never see. */
    uint64_t all = ~0ull, before = 0;
    SYS4(__NR_rt_sigprocmask, SIG_SETMASK, &all, &before, SIGNAL_SET_SIZE);
    /* Where it is not PID 1 (a shared pid namespace), orphans of the command come to it all the same. */
    sys6(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0, 0);
    long command = sys6(__NR_clone, SIGCHLD, 0, 0, 0, 0, 0);
    if (command == 0)
        become_command(argv + 2, env, &before);
    if (command < 0) {
        say("minirun-pid1: cannot start a process\n");
        quit(125);
    }
    for (;;) {
        long signal = SYS4(__NR_rt_sigtimedwait, &all, 0, 0, SIGNAL_SET_SIZE);
        if (signal > 0 && signal != SIGCHLD)
            SYS3(__NR_kill, command, signal, 0);
        int status;
        for (long pid; (pid = SYS4(__NR_wait4, -1, &status, WNOHANG, 0)) > 0;)
            if (pid == command)
                quit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    }
}
ENTRY(start);
