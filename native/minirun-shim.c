/*
 * minirun-shim SCRIPT [FLAGS] start|delete: the part of containerd-shim-minirun-v1 that containerd
 * waits for. Node takes 60 ms to start; this takes one, and starts Node only when it must.
 *
 *   start    finds the process that holds the container's group and tells it that one more comes;
 *            where there is none, makes the socket and starts one: node SCRIPT FLAGS, socket = 3
 *   delete   asks the process at the bundle's address to clear the container away
 *
 * What it cannot do it leaves to `node SCRIPT FLAGS ACTION`, which can do all of it:
 * src/shim/start.ts says the same in TypeScript, with the reasons.
 */
#include "syscall.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/un.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <signal.h>

enum { LIMIT = 1 << 20, PATH_LIMIT = 4096, ATTEMPTS = 200, ANSWER_SECONDS = 20, HEADER = 10, LISTEN_FD = 3 };
enum outcome { DONE, GONE, FAILED, ASK_NODE };

static char config[LIMIT];
static uint8_t message[2 * PATH_LIMIT], answer[PATH_LIMIT];

void *memcpy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((char *)to)[i] = ((const char *)from)[i];
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((char *)to)[i] = (char)byte;
    return to;
}

static size_t length(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* What follows NAME= in the environment, or nothing. */
static const char *variable(char **env, const char *name)
{
    size_t n = length(name);
    for (; *env; env++) {
        size_t i = 0;
        while (i < n && (*env)[i] == name[i])
            i++;
        if (i == n && (*env)[n] == '=')
            return *env + n + 1;
    }
    return "";
}

static void say(const char *s) { SYS3(__NR_write, 2, s, length(s)); }

/* A string that grows in a fixed place; full stays full, and is then of no use. */
struct text {
    char *at;
    size_t size, limit;
};

static void add(struct text *t, const char *s, size_t n)
{
    if (t->size + n >= t->limit)
        n = 0, t->size = t->limit - 1;
    memcpy(t->at + t->size, s, n);
    t->size += n;
    t->at[t->size] = 0;
}

static int full(const struct text *t) { return t->size >= t->limit - 1; }

/* FIPS 180-4. */
static void sha256(const uint8_t *data, size_t size, char hex[65])
{
    static uint32_t k[64];
    uint32_t h[8], w[64];
    uint8_t block[64];
    /* The constants are the first bits of the fractions of the primes' square and cube roots. */
    for (uint32_t prime = 2, n = 0; n < 64; prime++) {
        uint32_t d = 2;
        while (d * d <= prime && prime % d)
            d++;
        if (d * d <= prime)
            continue;
        /* floor(2^32 * root) by bisection, in 128 bits */
        unsigned __int128 cube = (unsigned __int128)prime << 96, square = (unsigned __int128)prime << 64;
        uint64_t c = 0, s = 0;
        for (int bit = 35; bit >= 0; bit--) {
            unsigned __int128 t = c | 1ull << bit, u = s | 1ull << bit;
            if (t * t * t <= cube)
                c = (uint64_t)t;
            if (u * u <= square)
                s = (uint64_t)u;
        }
        k[n] = (uint32_t)c;
        if (n < 8)
            h[n] = (uint32_t)s;
        n++;
    }
    uint64_t bits = (uint64_t)size * 8;
    for (size_t at = 0, last = 0; !last; at += 64) {
        for (size_t i = 0; i < 64; i++)
            block[i] = at + i < size ? data[at + i] : at + i == size ? 0x80 : 0;
        last = at + 64 >= size + 9;
        if (last)
            for (int i = 0; i < 8; i++)
                block[56 + i] = (uint8_t)(bits >> (56 - 8 * i));
        uint32_t v[8];
        memcpy(v, h, sizeof v);
#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))
        for (int i = 0; i < 64; i++) {
            if (i < 16)
                w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
            else
                w[i] = w[i - 16] + (ROTATE(w[i - 15], 7) ^ ROTATE(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
                       (ROTATE(w[i - 2], 17) ^ ROTATE(w[i - 2], 19) ^ w[i - 2] >> 10);
            uint32_t one = v[7] + (ROTATE(v[4], 6) ^ ROTATE(v[4], 11) ^ ROTATE(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
            uint32_t two = (ROTATE(v[0], 2) ^ ROTATE(v[0], 13) ^ ROTATE(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            for (int j = 7; j > 0; j--)
                v[j] = v[j - 1];
            v[4] += one;
            v[0] = one + two;
        }
        for (int i = 0; i < 8; i++)
            h[i] += v[i];
    }
    for (int i = 0; i < 64; i++)
        hex[i] = "0123456789abcdef"[h[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = 0;
}

/* The file's bytes and a NUL; -1 when it cannot be read or does not fit. */
static long read_file(const char *path, char *to, size_t limit)
{
    long fd = SYS4(__NR_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0), n = 0, size = 0;
    if (fd < 0)
        return -1;
    while ((size_t)size < limit && (n = SYS3(__NR_read, fd, to + size, limit - size)) > 0)
        size += n;
    SYS3(__NR_close, fd, 0, 0);
    if (n < 0 || (size_t)size >= limit)
        return -1;
    to[size] = 0;
    return size;
}

/*
 * The value of KEY among the annotations of config.json, as far as this needs to be known here: 0 when
 * there is none, -1 when it takes more than this to tell (an escape, an end too early).
 */
static long annotation(const char *json, const char *key, const char **value)
{
    int depth = 0, wanted = 0;
    const char *name = 0;
    size_t name_size = 0;
    for (const char *c = json; *c; c++) {
        if (*c == '"') {
            const char *start = ++c;
            int escaped = 0;
            for (; *c && *c != '"'; c++)
                if (*c == '\\') {
                    escaped = 1;
                    if (*++c == 0)
                        return -1;
                }
            if (!*c)
                return -1;
            size_t size = (size_t)(c - start);
            const char *after = c + 1;
            while (*after == ' ' || *after == '\n' || *after == '\t' || *after == '\r')
                after++;
            if (*after == ':') {
                if (escaped && (depth == 1 || wanted))
                    return -1;
                name = start, name_size = size;
            } else if (wanted && depth == 2 && name && name_size == length(key)) {
                size_t i = 0;
                while (i < name_size && name[i] == key[i])
                    i++;
                if (i == name_size) {
                    *value = start;
                    return escaped ? -1 : (long)size;
                }
            }
        } else if (*c == '{' || *c == '[') {
            if (++depth == 2 && *c == '{') {
                static const char word[] = "annotations";
                wanted = name && name_size == sizeof word - 1;
                for (size_t i = 0; wanted && i < name_size; i++)
                    wanted = name[i] == word[i];
            }
            name = 0;
        } else if (*c == '}' || *c == ']') {
            if (--depth == 1)
                wanted = 0;
        }
    }
    return depth == 0 ? 0 : -1;
}

/* protobuf: a field of bytes. */
static void field(struct text *t, int number, const char *bytes, size_t size)
{
    char head[8];
    size_t n = 0, rest = size;
    head[n++] = (char)(number << 3 | 2);
    for (; rest >= 128; rest >>= 7)
        head[n++] = (char)(rest | 128);
    head[n++] = (char)rest;
    add(t, head, n);
    add(t, bytes, size);
}

static int number(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        uint8_t byte = *(*at)++;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return 1;
    }
    return 0;
}

/*
 * One call of minirun.shim.v1.Group by ttrpc. DONE: *payload is the answer. GONE: the process ends, or
 * has ended. FAILED: it says what is wrong, in *payload.
 */
static enum outcome ask(int fd, const char *method, const char *id, const char *bundle, struct text *payload)
{
    static char inner[PATH_LIMIT], request[2 * PATH_LIMIT];
    static const char service[] = "minirun.shim.v1.Group";
    struct text fields = {inner, 0, sizeof inner}, call = {request, 0, sizeof request};
    field(&fields, 1, id, length(id));
    field(&fields, 2, bundle, length(bundle));
    field(&call, 1, service, sizeof service - 1);
    field(&call, 2, method, length(method));
    field(&call, 3, fields.at, fields.size);
    if (full(&fields) || full(&call))
        return ASK_NODE;
    for (int i = 0; i < 4; i++)
        message[i] = (uint8_t)(call.size >> (24 - 8 * i));
    message[7] = 1; /* the stream */
    message[8] = 1; /* a request */
    memcpy(message + HEADER, request, call.size);
    struct timeval patience = {ANSWER_SECONDS, 0};
    sys6(__NR_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, (long)&patience, sizeof patience, 0);
    for (size_t sent = 0; sent < HEADER + call.size;) {
        long n = sys6(__NR_sendto, fd, (long)(message + sent), (long)(HEADER + call.size - sent), MSG_NOSIGNAL, 0, 0);
        if (n <= 0)
            return GONE;
        sent += (size_t)n;
    }
    size_t size = HEADER;
    for (size_t have = 0; have < size;) {
        long n = SYS3(__NR_read, fd, answer + have, size - have);
        if (n == -EAGAIN)
            return ASK_NODE;
        if (n <= 0)
            return GONE;
        have += (size_t)n;
        if (have == HEADER) {
            size += (size_t)answer[0] << 24 | answer[1] << 16 | answer[2] << 8 | answer[3];
            if (size > sizeof answer || answer[8] != 2)
                return ASK_NODE;
        }
    }
    const uint8_t *at = answer + HEADER, *end = answer + size;
    uint64_t tag, n, code = 0;
    while (at < end) {
        if (!number(&at, end, &tag) || (tag & 7) != 2 || !number(&at, end, &n) || n > (uint64_t)(end - at))
            return ASK_NODE;
        if (tag >> 3 == 2)
            add(payload, (const char *)at, n);
        const uint8_t *status = at, *status_end = at + n;
        at += n;
        while (tag >> 3 == 1 && status < status_end) {
            uint64_t inside;
            if (!number(&status, status_end, &inside) || !number(&status, status_end, &n))
                return ASK_NODE;
            if (inside >> 3 == 1)
                code = n;
            if ((inside & 7) == 2) {
                if (n > (uint64_t)(status_end - status))
                    return ASK_NODE;
                if (inside >> 3 == 2)
                    add(payload, (const char *)status, n);
                status += n;
            }
        }
    }
    enum { UNAVAILABLE = 14 };
    return code == 0 ? DONE : code == UNAVAILABLE ? GONE : FAILED;
}

/* The number of a connected socket, or -errno. */
static int connect_to(const struct sockaddr_un *address)
{
    int fd = (int)SYS3(__NR_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int r = (int)SYS3(__NR_connect, fd, address, sizeof *address);
    if (r == 0)
        return fd;
    SYS3(__NR_close, fd, 0, 0);
    return r;
}

/* node -- SCRIPT ARGUMENTS, from PATH. Returns only when there is none. */
static void execute_node(char **arguments, char **env)
{
    static char file[PATH_LIMIT];
    const char *folder = variable(env, "PATH");
    if (!*folder)
        folder = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    for (;;) {
        struct text path = {file, 0, sizeof file};
        size_t n = 0;
        while (folder[n] && folder[n] != ':')
            n++;
        add(&path, folder, n);
        add(&path, "/node", 5);
        if (n && !full(&path))
            SYS3(__NR_execve, file, arguments, env);
        if (!folder[n])
            break;
        folder += n + 1;
    }
    say("containerd-shim-minirun-v1: there is no node on the PATH that containerd gives it\n");
}

/* The process that is to hold the group, with a socket on which it may be called at once. */
static enum outcome start_daemon(const struct sockaddr_un *address, char **arguments, char **env)
{
    int fd = (int)SYS3(__NR_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ASK_NODE;
    SYS3(__NR_fchmod, fd, 0600, 0); /* the file gets the mode that the socket has */
    if (SYS3(__NR_bind, fd, address, sizeof *address) < 0 || SYS3(__NR_listen, fd, 128, 0) < 0)
        return ASK_NODE;
    long child = sys6(__NR_clone, SIGCHLD, 0, 0, 0, 0, 0);
    if (child == 0) {
        SYS3(__NR_setsid, 0, 0, 0);
        if (fd == LISTEN_FD)
            SYS3(__NR_fcntl, fd, F_SETFD, 0);
        else
            SYS3(__NR_dup3, fd, LISTEN_FD, 0);
        execute_node(arguments, env);
        quit(127);
    }
    SYS3(__NR_close, fd, 0, 0);
    return child < 0 ? ASK_NODE : DONE;
}

struct options {
    const char *namespace, *address, *id, *bundle, *action;
};

/* Go's flags: -name value, -name=value, with one dash or two. */
static int parse(char **arguments, struct options *options)
{
    static const char *const names[] = {"namespace", "address", "id", "bundle", "publish-binary", "socket"};
    const char *ignored, **values[] = {&options->namespace, &options->address, &options->id, &options->bundle, &ignored, &ignored};
    for (; *arguments; arguments++) {
        const char *word = *arguments;
        if (word[0] != '-') {
            options->action = word;
            return arguments[1] == 0;
        }
        word += word[1] == '-' ? 2 : 1;
        if (same(word, "debug"))
            continue;
        size_t i = 0, n = 0;
        while (word[n] && word[n] != '=')
            n++;
        for (; i < sizeof names / sizeof *names; i++) {
            size_t j = 0;
            while (j < n && word[j] == names[i][j])
                j++;
            if (j == n && !names[i][n])
                break;
        }
        if (i == sizeof names / sizeof *names || (!word[n] && !arguments[1]))
            return 0;
        *values[i] = word[n] ? word + n + 1 : *++arguments;
    }
    return 0;
}

/* unix:// and the socket of the container's group. */
static int group_address(const struct options *options, char **env, struct text *url)
{
    static const char *const labels[] = {"io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"};
    static char seed[PATH_LIMIT];
    struct text name = {seed, 0, sizeof seed};
    add(&name, options->address, length(options->address));
    add(&name, "/", 1);
    add(&name, options->namespace, length(options->namespace));
    add(&name, "/minirun", 8);
    if (read_file("config.json", config, sizeof config) < 0)
        return 0;
    const char *group = 0;
    long size = 0;
    for (size_t i = 0; i < 2 && !size; i++)
        if ((size = annotation(config, labels[i], &group)) < 0)
            return 0;
    if (!size && same(variable(env, "MINIRUN_SHIM_GROUP"), "container"))
        group = options->id, size = (long)length(group);
    if (size) {
        add(&name, "/", 1);
        add(&name, group, (size_t)size);
    }
    char hex[65];
    sha256((const uint8_t *)name.at, name.size, hex);
    add(url, "unix:///run/containerd/s/", 25);
    add(url, hex, 64);
    return !full(&name) && !full(url);
}

static int set_path(struct sockaddr_un *address, const char *path)
{
    struct text text = {address->sun_path, 0, sizeof address->sun_path};
    address->sun_family = AF_UNIX;
    add(&text, path, length(path));
    return !full(&text);
}

static enum outcome write_address(const struct text *url)
{
    long fd = SYS4(__NR_openat, AT_FDCWD, ".address", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return ASK_NODE;
    long n = SYS3(__NR_write, fd, url->at, url->size);
    SYS3(__NR_close, fd, 0, 0);
    if (n != (long)url->size || SYS4(__NR_renameat2, AT_FDCWD, ".address", AT_FDCWD, "address") < 0)
        return ASK_NODE;
    return SYS3(__NR_write, 1, url->at, url->size) == n ? DONE : FAILED;
}

static enum outcome start(const struct options *options, char **daemon, char **env)
{
    static char place[256], cwd[PATH_LIMIT], said[PATH_LIMIT];
    static struct sockaddr_un address;
    struct text url = {place, 0, sizeof place};
    if (!*options->namespace || !*options->id || SYS3(__NR_getcwd, cwd, sizeof cwd, 0) < 0)
        return ASK_NODE;
    if (!group_address(options, env, &url) || !set_path(&address, url.at + 7))
        return ASK_NODE;
    SYS3(__NR_mkdirat, AT_FDCWD, "/run/containerd", 0711);
    SYS3(__NR_mkdirat, AT_FDCWD, "/run/containerd/s", 0711);
    long lock = SYS4(__NR_openat, AT_FDCWD, "/run/containerd/s", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (lock < 0)
        return ASK_NODE;
    for (int attempt = 0, started = 0; attempt < ATTEMPTS; attempt++) {
        int fd = connect_to(&address);
        if (fd == -ENOENT || fd == -ECONNREFUSED) {
            if (started)
                break; /* what we started has ended: it would end again */
            SYS3(__NR_flock, lock, LOCK_EX, 0);
            fd = connect_to(&address);
            if (fd == -ENOENT || fd == -ECONNREFUSED) {
                SYS3(__NR_unlinkat, AT_FDCWD, address.sun_path, 0); /* of a process that was killed */
                enum outcome outcome = start_daemon(&address, daemon, env);
                if (outcome != DONE)
                    return outcome;
                started = 1;
                fd = connect_to(&address);
            }
            SYS3(__NR_flock, lock, LOCK_UN, 0);
        }
        if (fd >= 0) {
            struct text payload = {said, 0, sizeof said};
            enum outcome outcome = ask(fd, "Join", options->id, cwd, &payload);
            SYS3(__NR_close, fd, 0, 0);
            if (outcome == DONE)
                return write_address(&url);
            if (outcome == ASK_NODE)
                return outcome;
            if (outcome == FAILED) {
                say(payload.at);
                return FAILED;
            }
        }
        struct timeval pause = {0, 5 * 1000 * 1000}; /* a struct timespec: 5 ms */
        SYS3(__NR_nanosleep, &pause, 0, 0);
    }
    say("containerd-shim-minirun-v1: the shim ended before it could be asked anything\n");
    return FAILED;
}

static enum outcome delete(const struct options *options)
{
    static char file[PATH_LIMIT], place[256], said[PATH_LIMIT];
    static struct sockaddr_un address;
    struct text path = {file, 0, sizeof file}, payload = {said, 0, sizeof said};
    add(&path, options->bundle, length(options->bundle));
    add(&path, "/address", 8);
    if (!*options->bundle || full(&path) || read_file(file, place, sizeof place) <= 7 || !set_path(&address, place + 7))
        return ASK_NODE;
    int fd = connect_to(&address);
    if (fd < 0 || ask(fd, "Leave", options->id, options->bundle, &payload) != DONE)
        return ASK_NODE;
    return SYS3(__NR_write, 1, payload.at, payload.size) == (long)payload.size ? DONE : FAILED;
}

__attribute__((used)) static void begin(long *stack)
{
    long count = *stack;
    char **arguments = (char **)(stack + 1), **env = arguments + count + 1;
    struct options options = {"", "", "", "", ""};
    static char *node[64];
    if (count < 2 || count > 60)
        quit(2);
    size_t n = 0;
    node[n++] = "containerd-shim-minirun-v1";
    node[n++] = "--";
    for (char **word = arguments + 1; *word; word++)
        node[n++] = *word;
    enum outcome outcome = ASK_NODE;
    if (parse(arguments + 2, &options)) {
        if (same(options.action, "start")) {
            char *action = node[n - 1];
            node[n - 1] = 0; /* without an action it serves */
            outcome = start(&options, node, env);
            node[n - 1] = action;
        } else if (same(options.action, "delete"))
            outcome = delete(&options);
    }
    if (outcome == ASK_NODE)
        execute_node(node, env);
    quit(outcome == DONE ? 0 : 1);
}

ENTRY(begin);
