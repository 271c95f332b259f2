import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../../src/cli/docker/template/execute.ts';

const data = {
  Id: 'abc',
  Name: '/web',
  State: { Status: 'running', Pid: 7, Paused: false },
  Args: ['a', 'b'],
  Config: { Labels: { 'a.b': '1', z: '2' }, Env: ['A=1', 'B=2'], Cmd: null },
  Ports: { '80/tcp': [{ HostPort: '8080' }], '90/tcp': null },
  Html: '<a&b>',
};

describe('Go templates', () => {
  it.each([
    ['{{.Id}} {{.State.Status}}', 'abc running'],
    ['{{json .State}}', '{"Status":"running","Pid":7,"Paused":false}'],
    ['{{json .Html}}', '"\\u003ca\\u0026b\\u003e"'],
    ['{{.State | json}}', '{"Status":"running","Pid":7,"Paused":false}'],
    ['{{.Args}} {{.Config.Labels}}', '[a b] map[a.b:1 z:2]'],
    ['{{.Config.Cmd}} {{.Nothing}}', '<nil> <no value>'],
    ['{{index .Args 1}}{{index .Config.Labels "a.b"}}{{index .Config.Labels "missing"}}', 'b1'],
    ['{{(index (index .Ports "80/tcp") 0).HostPort}}', '8080'],
    ['{{range .Args}}<{{.}}>{{end}}', '<a><b>'],
    ['{{range $i, $a := .Args}}{{$i}}={{$a}};{{end}}', '0=a;1=b;'],
    ['{{range $p, $b := .Ports}}{{$p}} -> {{if $b}}{{(index $b 0).HostPort}}{{else}}none{{end}};{{end}}', '80/tcp -> 8080;90/tcp -> none;'],
    ['{{range .Config.Cmd}}x{{else}}empty{{end}}', 'empty'],
    ['{{range .Args}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', 'a'],
    ['{{range .Args}}{{if eq . "a"}}{{continue}}{{end}}{{.}}{{end}}', 'b'],
    ['{{if .State.Paused}}p{{else if eq .State.Status "running" "up"}}r{{else}}x{{end}}!', 'r!'],
    ['{{if and .Id (not .State.Paused)}}yes{{end}}{{or .State.Paused "no"}}', 'yesno'],
    ['{{with .State}}{{.Pid}} {{$.Id}}{{end}}', '7 abc'],
    ['{{$x := .Id}}{{if true}}{{$x = "new"}}{{end}}{{$x}}', 'new'],
    ['{{printf "%-5s|%03d|%q|%5.1f|%v" .Id .State.Pid .Name 2.25 .Args}}', 'abc  |007|"/web"|  2.3|[a b]'],
    ['{{join .Args ", "}} {{upper .Id}} {{title "ab cd"}} {{split "a:b" ":"}} {{truncate .Name 3}}', 'a, b ABC Ab Cd [a b] /we'],
    ['{{len .Args}} {{slice .Name 1}} {{println "x" 1}}{{print 1 2 "c"}}', '2 web x 1\n1 2c'],
    ['a {{- .Id -}} b {{/* comment */}}c', 'aabcb c'],
    ['{{"\\t"}}{{`raw\\n`}}', '\traw\\n'],
    ['{{lt 1 2}} {{ge "b" "a"}} {{ne .Id "abc"}}', 'true true false'],
    ['{{pad .Id 1 2}}|', ' abc  |'],
  ])('%s', (template, expected) => {
    expect(compileTemplate(template)(data)).toBe(expected);
  });

  it.each([
    ['{{.Id', /unclosed action/],
    ['{{if .Id}}x', /unexpected EOF/],
    ['{{end}}', /unexpected \{\{end\}\}/],
    ['{{frob .Id}}', /function "frob" not defined/],
    ['{{.Id "x"}}', /can't give argument to non-function/],
    ['{{index .Args 9}}', /index out of range: 9/],
    ['{{"x}}', /unterminated quoted string/],
    ['{{}}', /missing value/],
    ['{{.Id.X}}', /can't evaluate field X/],
  ])('%s is refused', (template, message) => {
    expect(() => compileTemplate(template)(data)).toThrow(message);
  });

  it('is strict where a missing field must be told', () => {
    expect(() => compileTemplate('{{.Nope}}', { strict: true })(data)).toThrow(/map has no entry for key "Nope"/);
  });
});
