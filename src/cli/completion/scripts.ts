/**
 * The scripts that shells load. They are small, and ask minirun for candidates: options and commands
 * come from the definitions that are used for parsing, so a completion cannot be out of date.
 */

const BASH = `# bash completion of minirun
_minirun() {
  local IFS=$'\\n' line
  # Words are taken from the line up to the cursor: bash would split them at colons as well.
  read -r -a line <<< ''
  IFS=' ' read -r -a line <<< "\${COMP_LINE:0:COMP_POINT}"
  [[ "\${COMP_LINE:0:COMP_POINT}" == *' ' ]] && line+=('')
  local current="\${line[-1]}"
  COMPREPLY=()
  local word
  while read -r word; do
    case "$word" in
      :files) compopt -o default; return ;;
      "$current"*) COMPREPLY+=("$word") ;;
    esac
  done < <(minirun completion --candidates "\${line[@]:1}" 2>/dev/null)
  # What is before a colon is not typed again.
  if [[ "$current" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    local before="\${current%:*}:" i
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]="\${COMPREPLY[i]#"$before"}"; done
  fi
}
complete -F _minirun minirun
`;

const ZSH = `#compdef minirun
# zsh completion of minirun
_minirun() {
  local -a found
  found=("\${(@f)$(minirun completion --candidates "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${found[1]}" == ':files' ]]; then
    _files
    return
  fi
  compadd -a found
}
if [ "$funcstack[1]" = "_minirun" ]; then _minirun; else compdef _minirun minirun; fi
`;

const FISH = `# fish completion of minirun
function __minirun_candidates
  set -l words (commandline -opc) (commandline -ct)
  minirun completion --candidates $words[2..-1] 2>/dev/null
end
function __minirun_wants_files
  test (__minirun_candidates | head -n 1) = ':files'
end
complete -c minirun -f -n 'not __minirun_wants_files' -a '(__minirun_candidates)'
complete -c minirun -F -n '__minirun_wants_files'
`;

export const completionScript = (shell: string): string => ({ bash: BASH, zsh: ZSH, fish: FISH })[shell] ?? '';
