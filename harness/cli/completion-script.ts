import type { Command } from "./command.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

interface Completed {
  /** Words of the command: `exports make`. */
  readonly words: string;
  readonly summary: string;
  /** Names of commands below it. */
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly { readonly flag: string; readonly summary: string }[];
}

/** A script for a shell that completes the commands of a table and their options. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  const all = completed({ name: "", summary: "", commands }, "");
  return { bash, zsh, fish }[shell](all);
}

function completed(command: Command, before: string): Completed[] {
  const words = `${before} ${command.name}`.trim();
  const below = command.commands ?? [];
  const options = (command.options ?? []).flatMap(({ flags, summary }) =>
    [...flags.matchAll(/(?<![\w-])--?[\w-]+/g)].map(([flag]) => ({ flag, summary })),
  );
  const commands = below.map(({ name, summary }) => ({ name, summary }));
  const help = { flag: "--help", summary: "show help" };
  return [
    { words, summary: command.summary, commands, options: [...options, help] },
    ...below.flatMap((one) => completed(one, words)),
  ];
}

/** Candidates by the words before the cursor, options left out. */
function bash(all: readonly Completed[]): string {
  const cases = all.map(({ words, commands, options }) => {
    const names = [...commands.map(({ name }) => name), ...options.map(({ flag }) => flag)];
    return `    '${words}') words='${names.join(" ")}' ;;`;
  });
  return `# bash completion of pvh: source <(pvh completion bash)
_pvh() {
  local cur=\${COMP_WORDS[COMP_CWORD]} path='' word words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$path $word" in
${pathCases(all)}
    esac
  done
  case $path in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -F _pvh pvh
`;
}

/** Cases of "$path $word", as bash and zsh have them: each word of a command leads to its path. */
function pathCases(all: readonly Completed[]): string {
  return all
    .filter(({ words }) => words !== "")
    .map(({ words }) => {
      const led = words.includes(" ") ? words : ` ${words}`;
      return `      '${led}') path='${words}' ;;`;
    })
    .join("\n");
}

function zsh(all: readonly Completed[]): string {
  const cases = all.map(({ words, commands, options }) => {
    const entries = [
      ...commands.map(({ name, summary }) => `${name}:${summary}`),
      ...options.map(({ flag, summary }) => `${flag}:${summary}`),
    ].map((entry) => `'${entry.replaceAll("'", "").replace(/^([^:]+):(.*)$/s, zshEntry)}'`);
    return `    '${words}') entries=(${entries.join(" ")}) ;;`;
  });
  return `#compdef pvh
# zsh completion of pvh: pvh completion zsh > a folder of $fpath/_pvh
_pvh() {
  local path='' word
  local -a entries
  for word in \${words[2,CURRENT-1]}; do
    case "$path $word" in
${pathCases(all)}
    esac
  done
  case $path in
${cases.join("\n")}
  esac
  _describe 'pvh' entries || _files
}
compdef _pvh pvh
`;
}

/** A colon divides a name from its words; in the words it stays. */
function zshEntry(_all: string, name: string, summary: string): string {
  return `${name}:${summary}`;
}

function fish(all: readonly Completed[]): string {
  const quoted = (text: string): string =>
    `'${text.replaceAll("\\", "\\\\").replaceAll("'", String.raw`\'`)}'`;
  const lines = all.flatMap(({ words, commands, options }) => {
    const [first = "", second] = words.split(" ");
    const condition =
      words === ""
        ? "__fish_use_subcommand"
        : second === undefined
          ? `__fish_seen_subcommand_from ${first}`
          : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    return [
      ...commands.map(
        ({ name, summary }) =>
          `complete -c pvh -n ${quoted(condition)} -f -a ${name} -d ${quoted(summary)}`,
      ),
      ...options.map(({ flag, summary }) => {
        const long = flag.startsWith("--");
        return `complete -c pvh -n ${quoted(condition)} ${long ? "-l" : "-s"} ${flag.replace(/^--?/, "")} -d ${quoted(summary)}`;
      }),
    ];
  });
  return `# fish completion of pvh: pvh completion fish | source
${lines.join("\n")}
`;
}
