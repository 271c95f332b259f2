/** The part of the C file that runs a hook. */
export const HOOK = `
/* Runs a hook with the container's state on its standard input: in the namespaces of a process, if one is
 * given, and for at most so many seconds, if any are. */
static long run_hook(const char *path, char *const argv[], char *const envp[], int timeout, const char *state,
                     long pid, const char *cwd)
{
    static const char *const kinds[] = { "user", "pid", "ipc", "uts", "net", "cgroup", "mnt" };
    enum { KINDS = sizeof kinds / sizeof *kinds };
    extern char **environ;
    int status = 0;
    int input = memfd_create("state", MFD_CLOEXEC);
    if (input < 0 || dprintf(input, "%s", state) < 0 || lseek(input, 0, SEEK_SET) < 0)
        return -1;
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0) {
        int files[KINDS];
        dup2(input, 0);
        for (int i = 0; pid && i < KINDS; i++) {
            char name[64];
            snprintf(name, sizeof name, "/proc/%ld/ns/%s", pid, kinds[i]);
            files[i] = open(name, O_RDONLY | O_CLOEXEC);
        }
        for (int i = 0; pid && i < KINDS; i++)
            if (files[i] >= 0 && setns(files[i], 0) < 0 && errno != EINVAL) /* EINVAL: it is in that user namespace already */
                _exit(126);
        /* Only a child is born into the pid namespace. */
        if (pid && (child = fork()) > 0)
            _exit(waitpid(child, &status, 0) == child && status == 0 ? 0 : 1);
        if (cwd && chdir(cwd) < 0)
            _exit(126);
        alarm((unsigned int)timeout); /* kept by execve, and its signal ends the hook */
        execve(path, argv, envp ? envp : environ);
        _exit(127);
    }
    close(input);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (status == 0)
        return 0;
    errno = ECANCELED; /* it has failed, and said on stderr why */
    return -1;
}
`.trim();
