/** The parts of the C file that are the same for every program. */

export const INCLUDES = [
  '#define _GNU_SOURCE',
  ...[
    'errno.h',
    'fcntl.h',
    'linux/capability.h',
    'sched.h',
    'signal.h',
    'spawn.h',
    'stdarg.h',
    'stdint.h',
    'stdio.h',
    'stdlib.h',
    'string.h',
    'sys/ioctl.h',
    'sys/mman.h',
    'sys/mount.h',
    'sys/personality.h',
    'sys/prctl.h',
    'sys/resource.h',
    'sys/socket.h',
    'sys/stat.h',
    'sys/statfs.h',
    'sys/syscall.h',
    'sys/sysmacros.h',
    'sys/types.h',
    'sys/wait.h',
    'grp.h',
    'poll.h',
    'termios.h',
    'unistd.h',
  ].map((header) => `#include <${header}>`),
];

/** Reporting: what each step's result is held against. */
export const REPORTING = `
static int peer = -1;             /* this process's end of the socket between the actors */
static const char *actor = "runtime";
static pid_t init_process;        /* known to the runtime once init exists */
static pid_t starter_process;
static void clean_up(void);

/* Ends this process, and what it has started. 127 and 126 are what a shell says of a command that
 * is not there, or cannot be executed. */
__attribute__((noreturn)) static void stop(int code)
{
    if (strcmp(actor, "runtime") != 0)
        _exit(code);
    if (starter_process > 0)
        kill(starter_process, SIGKILL);
    if (init_process > 0) {
        kill(init_process, SIGKILL);
        while (waitpid(init_process, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    clean_up();
    _exit(code);
}

#define NONE (const int[]){ 0 }
#define IGNORE(...) (const int[]){ __VA_ARGS__, 0 }

/* Looks at a call's result: a failure that the step does not ignore ends everything. Returns the
 * result, or -errno. */
static long done(int step, const char *call, long result, const int *ignored)
{
    int error = errno;
    if (result != -1)
        return result;
    for (; *ignored; ignored++)
        if (*ignored == error)
            return -error;
    dprintf(2, "step %d, %s by %s: %s\\n", step, call, actor, strerror(error));
    if (strcmp(call, "execve") == 0)
        stop(error == ENOENT ? 127 : 126);
    stop(125);
}
`.trim();

/** @param negated the value must be anything else */
export const expecting = (negated: boolean): string =>
  `
/* Checks what a call has written into memory: \`size\` bytes at \`offset\`, as a little-endian number${negated ? ',\n * which must be anything else' : ''}. */
static void ${negated ? 'expect_not' : 'expect'}(int step, const char *call, const void *memory, int offset, int size, uint64_t mask,
                   uint64_t equals, const char *otherwise)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)((const uint8_t *)memory)[offset + i] << (8 * i);
    if ((value & mask) ${negated ? '!=' : '=='} equals)
        return;
    dprintf(2, "step %d, %s by %s: %s\\n", step, call, actor, otherwise);
    stop(125);
}
`.trim();

export const TEXT = `
/* A text with a number in it that only an earlier step could tell. */
__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...)
{
    char *made = NULL;
    va_list values;
    va_start(values, format);
    if (vasprintf(&made, format, values) < 0)
        stop(125);
    va_end(values);
    return made;
}
`.trim();

export const RUN = `
/* Runs another program and waits for it. */
static long run(char *argv[])
{
    extern char **environ;
    int status = 0;
    pid_t child;
    int error = posix_spawnp(&child, argv[0], NULL, NULL, argv, environ);
    if (error) {
        errno = error;
        return -1;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (status == 0)
        return 0;
    errno = EPERM; /* it has said on stderr what was wrong */
    return -1;
}
`.trim();

export const MEETING = `
/* What the actors say to each other: that they have reached a point, or what clone returned. */
struct message {
    int what;
    long value;
};

static void tell(int what, long value)
{
    struct message m = { what, value };
    while (send(peer, &m, sizeof m, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

/* Takes the next message; 0 when the other side has ended. */
static int receive(struct message *m)
{
    ssize_t n;
    while ((n = recv(peer, m, sizeof *m, 0)) < 0 && errno == EINTR)
        ;
    return n == (ssize_t)sizeof *m;
}
`.trim();

/** @param onClone the statement that takes over clone's result */
export const hearing = (onClone: string): string =>
  `
/* Waits until the other side has reached a point. */
static void hear(int what)
{
    static int heard[TOKENS];
    struct message m;
    while (!heard[what]) {
        if (!receive(&m))
            stop(125); /* it ended, and has said why */
        if (m.what == CLONED) {
            ${onClone}
        } else {
            heard[m.what] = 1;
        }
    }
}
`.trim();

/**
 * The starter's birth. It comes before the starter's first step, after the runtime's steps before it.
 * @param console the descriptor on which init expects the socket for the terminal, if it sends one
 */
export const starting = (console: number | undefined): string =>
  `
static int pair[2];               /* the socket between the runtime and the others */
${console === undefined ? '' : 'static int console_pair[2];       /* the socket through which the terminal comes */\n'}
static void start_starter(void)
{
    starter_process = fork();
    if (starter_process < 0) {
        perror("fork");
        stop(125);
    }
    if (starter_process > 0) {
        close(pair[1]);
${console === undefined ? '' : '        close(console_pair[1]);\n'}        return;
    }
    actor = "starter";
    peer = 3; /* the number that minirun uses too; steps may name it */
${console === undefined ? '' : `    dup3(console_pair[1], ${console}, O_CLOEXEC);\n`}    dup3(pair[1], peer, O_CLOEXEC);
    close(pair[0]);
    starter();
}
`.trim();

/** The runtime's end of the container's terminal. */
export const TERMINAL = `
static struct termios before;     /* how the terminal was that we sit at */
static int raw;

static void restore_terminal(void)
{
    if (raw)
        tcsetattr(0, TCSANOW, &before);
}

/* Takes the descriptor that init has sent (unix(7), SCM_RIGHTS). */
static int receive_descriptor(int from)
{
    char payload[64];
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = { payload, sizeof payload };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
    struct cmsghdr *c;
    int fd;
    if (recvmsg(from, &m, MSG_CMSG_CLOEXEC) < 0 || !(c = CMSG_FIRSTHDR(&m)))
        return -1;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

static int pass_on(int from, int to)
{
    char buffer[4096];
    ssize_t n = read(from, buffer, sizeof buffer), written = 0;
    while (written < n) {
        ssize_t w = write(to, buffer + written, (size_t)(n - written));
        if (w <= 0)
            return 0;
        written += w;
    }
    return n > 0;
}

/* Connects the container's terminal with ours, until nobody has it open any more. */
static void serve_terminal(int master)
{
    struct pollfd waiting[2] = { { .fd = master, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
    if (isatty(0) && tcgetattr(0, &before) == 0) {
        struct termios mode = before;
        struct winsize size;
        cfmakeraw(&mode);
        raw = tcsetattr(0, TCSANOW, &mode) == 0;
        if (ioctl(0, TIOCGWINSZ, &size) == 0)
            ioctl(master, TIOCSWINSZ, &size);
    }
    while (poll(waiting, 2, -1) >= 0 || errno == EINTR) {
        if (waiting[0].revents && !pass_on(master, 1))
            break;
        if (waiting[1].revents && !pass_on(0, master))
            waiting[1].fd = -1;
    }
    restore_terminal();
}
`.trim();

/** main(), around the runtime's steps. */
export const mainFunction = (onClone: string, console: number | undefined): string =>
  `
static void forward(int number)
{
    kill(init_process, number);
}

int main(void)
{
    int status = 0;
    struct message m;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0${console === undefined ? '' : '\n        || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console_pair) < 0'}) {
        perror("socketpair");
        return 125;
    }
    /* Out of the way of the descriptors that steps name by number. */
    for (int i = 0; i < 2; i++) {
        int high = fcntl(pair[i], F_DUPFD_CLOEXEC, 100);
        close(pair[i]);
        pair[i] = high;
${
  console === undefined
    ? ''
    : `        high = fcntl(console_pair[i], F_DUPFD_CLOEXEC, 100);
        close(console_pair[i]);
        console_pair[i] = high;
`
}    }
    signal(SIGCHLD, SIG_DFL); /* a shell that ignores it must not have our children reaped for us */
    peer = pair[0];
    runtime();

    /* The socket closes when init has executed the command. */
    while (receive(&m))
        if (m.what == CLONED) {
            ${onClone}
        }
    if (starter_process > 0) {
        waitpid(starter_process, &status, 0);
        starter_process = 0;
    }
    if (init_process <= 0)
        stop(125);
    signal(SIGINT, SIG_IGN); /* the terminal sends these to the container as well */
    signal(SIGQUIT, SIG_IGN);
    signal(SIGTERM, forward);
    signal(SIGHUP, forward);
${
  console === undefined
    ? ''
    : `    int master = receive_descriptor(console_pair[0]);
    if (master >= 0)
        serve_terminal(master);
`
}    while (waitpid(init_process, &status, 0) < 0 && errno == EINTR)
        ;
    clean_up();
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
`.trim();
