/*
 * minirun-shim SCRIPT [FLAGS] start|delete: the part of containerd-shim-minirun-v1 that containerd
 * waits for. Node takes 60 ms to start; this takes one, and starts Node only when it must.
 *
 *   start    finds the process that holds the container's group and tells it that one more comes;
 *            where there is none, makes the socket and starts one: node SCRIPT FLAGS, socket = 3
 *   delete   asks the process at the bundle's address to clear the container away
 *
 * What it cannot do it leaves to `node SCRIPT FLAGS ACTION`, which can do all of it:
 * src/shim/start.ts and grouping.ts say the same in TypeScript, with the reasons.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FOLDER "/run/containerd/s"
enum { CONFIG = 1 << 20, TEXT = 8192, ATTEMPTS = 200, PAUSE_US = 5000, ANSWER_SECONDS = 20, HEADER = 10, LISTEN_FD = 3 };
/* GONE: the process ends, or has ended. ASK_NODE: this is more than can be told here. */
enum outcome { DONE, GONE, FAILED, ASK_NODE };

static const char *namespace = "", *address = "", *id = "", *bundle = "", *ignored;
static char **node; /* what to execute: node OPTION -- SCRIPT FLAGS ACTION */
static int last;    /* where ACTION stands in it */

static void ask_node(void)
{
    execvp("node", node);
    fprintf(stderr, "containerd-shim-minirun-v1: node, on the PATH that containerd gives it: %s\n", strerror(errno));
    exit(127);
}

/* The file's text in `to`, or 0 when it cannot be read or does not fit. */
static int read_text(const char *path, char *to, size_t limit)
{
    FILE *file = fopen(path, "re");
    size_t size = file ? fread(to, 1, limit, file) : limit;
    if (file)
        fclose(file);
    if (size == limit)
        return 0;
    to[size] = 0;
    return 1;
}

/* The label's value in config.json: 1 there is one, 0 none; -1 when only a whole reading can tell. */
static int label(const char *json, const char *name, char *value, size_t limit)
{
    static const char all[] = "\"annotations\"";
    char key[64];
    snprintf(key, sizeof key, "\"%s\"", name);
    const char *found = strstr(json, key), *annotations = strstr(json, all);
    if (!found)
        return 0;
    if (!annotations || found < annotations || memchr(annotations, '}', (size_t)(found - annotations)))
        return -1;
    const char *c = found + strlen(key);
    c += strspn(c, " \t\r\n");
    if (*c++ != ':' || strstr(c, key) || strstr(annotations + 1, all))
        return -1;
    c += strspn(c, " \t\r\n");
    size_t size = *c == '"' ? strcspn(++c, "\"\\") : limit;
    if (size == 0 || size >= limit || c[size] != '"')
        return -1;
    snprintf(value, limit, "%.*s", (int)size, c);
    return 1;
}

/* The path of the socket of the container's group, as socketPath() of grouping.ts. */
static int socket_path(char *path, size_t limit)
{
    static char json[CONFIG], seed[TEXT];
    char group[256] = "";
    const char *wish = getenv("MINIRUN_SHIM_GROUP");
    if (!read_text("config.json", json, sizeof json))
        return 0;
    int found = label(json, "io.containerd.runc.v2.group", group, sizeof group);
    if (found == 0)
        found = label(json, "io.kubernetes.cri.sandbox-id", group, sizeof group);
    if (found == 0 && wish && strcmp(wish, "container") == 0)
        snprintf(group, sizeof group, "%s", id);
    if (found < 0 || (size_t)snprintf(seed, sizeof seed, "%s/%s/%s", address, namespace, group) >= sizeof seed)
        return 0;
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */
    for (const char *c = seed; *c; c++)
        hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
    snprintf(path, limit, FOLDER "/minirun-%016" PRIx64, hash);
    return 1;
}

static int unix_socket(const char *path, struct sockaddr_un *to)
{
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(to->sun_path, sizeof to->sun_path, "%s", path);
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* A connected socket, or -1 with errno. */
static int connect_to(const char *path)
{
    struct sockaddr_un to;
    int fd = unix_socket(path, &to);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* protobuf: field NUMBER, whose bytes are shorter than 16 KiB. */
static char *field(char *at, int number, const char *bytes, size_t size)
{
    *at++ = (char)(number << 3 | 2);
    *at++ = (char)(size | 128);
    *at++ = (char)(size >> 7);
    return mempcpy(at, bytes, size);
}

/* One call of minirun.shim.v1.Group by ttrpc, and its answer. */
static enum outcome ask(int fd, const char *method, const char *folder, char *said, size_t *said_size)
{
    static char frame[TEXT], fields[TEXT];
    static const char service[] = "minirun.shim.v1.Group";
    if (strlen(id) + strlen(folder) > TEXT - 256)
        return ASK_NODE;
    char *end = field(field(fields, 1, id, strlen(id)), 2, folder, strlen(folder));
    char *at = field(field(frame + HEADER, 1, service, sizeof service - 1), 2, method, strlen(method));
    at = field(at, 3, fields, (size_t)(end - fields));
    size_t size = (size_t)(at - frame);
    memcpy(frame, (char[]){0, 0, (char)((size - HEADER) >> 8), (char)(size - HEADER), 0, 0, 0, 1, 1, 0}, HEADER);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = ANSWER_SECONDS}, sizeof(struct timeval));
    if (send(fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size)
        return GONE;
    ssize_t got = recv(fd, frame, HEADER, MSG_WAITALL);
    if (got < HEADER)
        return got < 0 && errno == EAGAIN ? ASK_NODE : GONE;
    size = (size_t)(uint8_t)frame[2] << 8 | (uint8_t)frame[3];
    if (frame[0] || frame[1] || size > sizeof frame || frame[8] != 2)
        return ASK_NODE;
    if (size && recv(fd, frame, size, MSG_WAITALL) != (ssize_t)size)
        return GONE;
    /* Response { status = 1 { code = 1, message = 2 }, payload = 2 }; all of it short. */
    enum { STATUS = 1 << 3 | 2, PAYLOAD = 2 << 3 | 2, CODE = 1 << 3, UNAVAILABLE = 14 };
    size_t from = 0;
    if (size && frame[0] == STATUS) {
        from = frame[1] & 128 ? 3 : 2;
        if (from + 2 > size || frame[from] != CODE)
            return ASK_NODE;
        return frame[from + 1] == UNAVAILABLE ? GONE : ASK_NODE;
    }
    if (size && (size < 2 || frame[0] != PAYLOAD || (size_t)frame[1] != size - 2))
        return ASK_NODE;
    *said_size = size ? size - 2 : 0;
    memcpy(said, frame + 2, *said_size);
    return DONE;
}

/* The process that is to hold the group, with a socket on which it can be called at once. */
static void start_daemon(const char *path)
{
    struct sockaddr_un to;
    int fd = unix_socket(path, &to);
    fchmod(fd, 0600); /* the file gets the mode that the socket has */
    if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof to) < 0 || listen(fd, 128) < 0)
        ask_node();
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (fd == LISTEN_FD)
            fcntl(fd, F_SETFD, 0);
        else
            dup2(fd, LISTEN_FD);
        node[last] = "-socket"; /* and no action: it serves */
        node[last + 1] = to.sun_path;
        ask_node();
    }
    close(fd);
    if (child < 0)
        ask_node();
}

static enum outcome start(void)
{
    static char cwd[TEXT], said[TEXT], path[128];
    size_t size;
    mkdir("/run/containerd", 0711);
    mkdir(FOLDER, 0711);
    int lock = open(FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!*namespace || !*id || lock < 0 || !getcwd(cwd, sizeof cwd) || !socket_path(path, sizeof path))
        return ASK_NODE;
    enum outcome outcome = GONE;
    for (int attempt = 0, started = 0; outcome == GONE && attempt < ATTEMPTS; attempt++) {
        int fd = connect_to(path);
        if (fd < 0) {
            if (started)
                break; /* what we started has ended: it would end again */
            flock(lock, LOCK_EX);
            if ((fd = connect_to(path)) < 0) {
                unlink(path); /* of a process that was killed */
                start_daemon(path);
                started = 1;
                fd = connect_to(path);
            }
            flock(lock, LOCK_UN);
        }
        outcome = fd < 0 ? GONE : ask(fd, "Join", cwd, said, &size);
        close(fd);
        if (outcome == GONE)
            usleep(PAUSE_US);
    }
    if (outcome == GONE)
        fprintf(stderr, "containerd-shim-minirun-v1: the shim ended before it could be asked anything\n");
    if (outcome != DONE)
        return outcome;
    FILE *file = fopen(".address", "we");
    if (!file || fprintf(file, "unix://%s", path) < 0 || fclose(file) || rename(".address", "address"))
        return ASK_NODE;
    return printf("unix://%s", path) > 0 && fflush(stdout) == 0 ? DONE : FAILED;
}

static enum outcome delete(void)
{
    static char said[TEXT], place[128], file[TEXT];
    size_t size;
    if (!*bundle || (size_t)snprintf(file, sizeof file, "%s/address", bundle) >= sizeof file || !read_text(file, place, sizeof place))
        return ASK_NODE;
    int fd = strncmp(place, "unix://", 7) == 0 ? connect_to(place + 7) : -1;
    if (fd < 0 || ask(fd, "Leave", bundle, said, &size) != DONE)
        return ASK_NODE;
    return write(STDOUT_FILENO, said, size) == (ssize_t)size ? DONE : FAILED;
}

int main(int count, char **words)
{
    static const struct option options[] = {{"namespace", 1, 0, 0},      {"address", 1, 0, 1}, {"id", 1, 0, 2}, {"bundle", 1, 0, 3},
                                            {"publish-binary", 1, 0, 4}, {"debug", 0, 0, 4},   {0, 0, 0, 0}};
    const char **values[] = {&namespace, &address, &id, &bundle, &ignored};
    if (count < 2 || !(node = calloc((size_t)count + 4, sizeof *node)))
        return 2;
    node[0] = "containerd-shim-minirun-v1"; /* what ps shows */
    node[1] = "--max-semi-space-size=1"; /* as NODE_OPTION of src/shim/start.ts */
    node[2] = "--";
    memcpy(node + 3, words + 1, ((size_t)count - 1) * sizeof *node);
    last = count + 1;
    opterr = 0;
    int option;
    /* Go's flags: one dash or two; they end at the first word that is none. */
    while ((option = getopt_long_only(count - 1, words + 1, "+", options, NULL)) >= 0 && option <= 4)
        *values[option] = optarg;
    const char *action = option == -1 && optind == count - 2 ? words[count - 1] : "";
    enum outcome outcome = strcmp(action, "start") == 0 ? start() : strcmp(action, "delete") == 0 ? delete() : ASK_NODE;
    if (outcome == ASK_NODE)
        ask_node();
    return outcome == DONE ? 0 : 1;
}
