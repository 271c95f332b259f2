/** Files in and out: volumes, binds, cp, diff, commit, export. */
import { scene } from '../scene.ts';

export const files = [
  scene('volumes and binds', [
    'mkdir -p $HOME/dir && echo hello > $HOME/dir/file; docker run --rm -v $HOME/dir:/v:ro busybox sh -c "cat /v/file; echo x > /v/file"',
    'docker run --rm -v $HOME/made-by-docker:/v busybox touch /v/x; ls $HOME/made-by-docker',
    'docker run --rm --mount type=bind,source=$HOME/dir,target=/v,readonly busybox cat /v/file',
    'docker run --rm -v things:/things busybox sh -c "echo kept > /things/file"; docker run --rm -v things:/t busybox cat /t/file',
    'docker run --rm -v copied:/etc busybox sh -c "ls /etc | grep -vc mtab"; docker run --rm -v copied:/c busybox ls /c/passwd; docker run --rm --mount type=volume,source=empty,target=/etc,volume-nocopy busybox ls /etc',
    'docker run --rm --mount type=tmpfs,target=/t,tmpfs-size=1048576,tmpfs-mode=750 busybox sh -c "df -k /t | tail -1; stat -c %a /t"',
    'docker run -d --name owner -v things:/a busybox sleep 1000; docker run --rm --volumes-from owner busybox cat /a/file; docker run --rm --volumes-from owner:ro busybox touch /a/x',
    'docker volume rm things; docker volume inspect -f "{{.Name}} {{.Driver}} {{.Scope}} {{json .Labels}} {{json .Options}}" things; docker volume ls --format "{{.Name}} {{.Driver}}"',
    'docker volume create --label a=b labelled; docker volume ls -q -f label=a; docker volume ls -q -f dangling=true; docker volume ls -q -f name=thi',
    'docker volume create labelled; docker volume create "bad name"; docker volume inspect nobody; docker volume rm nobody',
    'docker rm -f owner; docker volume rm things copied empty labelled',
    'docker run --rm -v /etc/passwd:/etc busybox true 2>&1 | sed "s/.*error mounting/error mounting/; s/^docker: Error.*mounting/error mounting/" | grep -o "Are you trying.*"',
    'docker run --rm --mount type=nonsense,target=/x busybox true; docker run --rm --tmpfs relative busybox true',
  ]),
  scene('cp, diff, commit, export', [
    'docker run -d --name files busybox sleep 1000; echo copied > $HOME/in; docker cp $HOME/in files:/copied; docker exec files cat /copied',
    'docker exec files sh -c "mkdir -p /tree/sub; echo a > /tree/a; ln -s a /tree/link; echo b > /tree/sub/b"; docker cp files:/tree $HOME/tree; cd $HOME/tree; find . | sort; readlink link; cd /',
    'docker cp files:/copied - | tar t; docker cp files:/nowhere $HOME/x; docker cp $HOME/nowhere files:/; docker cp nobody:/x $HOME/x',
    'docker cp $HOME/tree files:/; docker cp $HOME/in files:/new-name; docker exec files ls /new-name',
    // At times the command line adds a complaint of its own, about a pipe.
    'docker cp $HOME/in files:/no/such/dir/ 2>&1 | grep -v level=error',
    'docker diff files | sort',
    'docker commit -m words -a me --change "ENV X=1" --change "CMD [\\"sh\\",\\"-c\\",\\"cat /copied; echo \\$X\\"]" files committed:1 | cut -c1-7; docker run --rm committed:1',
    'docker image inspect -f "{{.Comment}} {{.Author}} {{json .Config.Env}} {{len .RootFS.Layers}}" committed:1; docker history --format "{{.Comment}} {{.CreatedBy}}" committed:1 | head -1',
    'docker commit --change "HEALTHCHECK --interval=1m30s --retries=5 CMD test -e /copied" files committed:2 | cut -c1-7; docker image inspect -f "{{json .Config.Healthcheck}}" committed:2; docker rmi committed:2 | cut -c1-8 | uniq; docker commit --change "HEALTHCHECK sometimes" files committed:2',
    'docker export files | tar t | grep -E "^(copied|tree/link|etc/passwd)$"; docker export nobody | wc -c',
    'docker stop -t 0 files; docker cp files:/copied $HOME/again; cat $HOME/again; docker cp $HOME/in files:/stopped; docker start files; docker exec files cat /stopped',
    'docker rm -f files; docker rmi committed:1 | cut -c1-8 | uniq',
  ]),
];
