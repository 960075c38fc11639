// Somebody who types at an interactive shell: a terminal, keys, and what the commands got as their words.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { postern } from '../../src/postern/postern.ts'
import { program } from './knockd.ts'
import { run } from './process.ts'
import { scratch } from './scratch.ts'

/** The shells whose completion is tried. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** Milliseconds in which a typed line has to be run. */
const LINE_LIMIT_MS = 20_000
export const TAB = '\t'
/** A key that has zsh write down what it would offer. */
export const OFFER = '\x18'

/** Types lines one after another, each when the one before has run, and answers what terminals are asked. In Python, as Node.js has no terminals. */
const TYPIST = `import json, os, pty, select, sys, time
job = json.load(sys.stdin)
pid, fd = pty.fork()
if pid == 0:
    os.chdir(job['cwd'])
    os.execvpe(job['argv'][0], job['argv'], job['env'])
seen = b''
def done(): return open(job['out'], 'rb').read().count(b'\\0\\n')
def look():
    global seen
    if not select.select([fd], [], [], 0.02)[0]: return
    try: data = os.read(fd, 65536)
    except OSError: data = b''
    if not data: sys.exit('the shell ended: ' + seen.decode(errors='replace'))
    seen = (seen + data)[-4000:]
    if b'\\x1b[c' in data or b'\\x1b[0c' in data: os.write(fd, b'\\x1b[?62;c')
for count, line in enumerate(job['lines']):
    os.write(fd, line.encode())
    end = time.monotonic() + job['limit']
    while done() <= count:
        look()
        if time.monotonic() > end: sys.exit('not run: ' + line + '\\n' + seen.decode(errors='replace'))
os.close(fd)
os.kill(pid, 9)
os.waitpid(pid, 0)
`

/** The set-up of each shell. FILE stands for the file with its completion, FUNCTIONS for its folder. */
const SET_UP: Readonly<Record<Shell, { readonly argv: readonly string[]; readonly text: string }>> = {
  bash: {
    argv: ['bash', '--noprofile', '--rcfile', 'SET_UP', '-i'],
    text: "bind 'set enable-bracketed-paste off' 2>/dev/null\nsource FILE\n",
  },
  zsh: {
    argv: ['zsh', '-i'],
    // As the package has it: a file of the function path.
    text: `fpath=(FUNCTIONS $fpath)
autoload -Uz compinit && compinit -u -d $ZDOTDIR/dump
_offered() {
  compadd() {
    case " $* " in (*' -O '*|*' -A '*|*' -D '*) builtin compadd "$@"; return ;; esac
    local -a __hits
    builtin compadd -O __hits "$@"
    print -rl -- $__hits >>$OUT
    builtin compadd "$@"
  }
  _main_complete
  unfunction compadd
  compstate[insert]= compstate[list]=
  print -n '\\0\\n' >>$OUT
}
zle -C offered complete-word _offered
bindkey '^X' offered
`,
  },
  fish: {
    argv: ['fish', '--no-config', '-i', '-C', 'source SET_UP'],
    text: 'function fish_greeting; end\nsource FILE\n',
  },
}

/** Runs `postern completion` in this process, and returns what it prints. */
export async function completion(...args: readonly string[]): Promise<string> {
  let printed = ''
  await postern(['completion', ...args], {
    out: (text) => void (printed += text),
    err: (text) => void (printed += text),
  })
  return printed
}

/**
 * Has the names of a config's doors ready beside it, so that shells do not start a program for each key to get them. The
 * names are those that the program prints.
 */
export async function readyDoors(file: string): Promise<string> {
  writeFileSync(`${file}.door`, await completion('--values', 'door', '-c', file))
  return file
}

/** A shell with the completion of this build. \`postern\`, \`knock\` and \`knockd\` only write down their words there. */
export class Typed {
  readonly #shell: Shell
  readonly #folder = scratch('typed')
  /** The file with the script. */
  readonly script: string

  private constructor(shell: Shell) {
    this.#shell = shell
    this.script = join(this.#folder, '_postern')
  }

  static async make(shell: Shell): Promise<Typed> {
    const typed = new Typed(shell)
    const folder = typed.#folder
    mkdirSync(join(folder, 'bin'), { recursive: true })
    writeFileSync(typed.script, await completion(shell))
    // One argument a line, as words may have line ends; a NUL ends what one command got.
    const note = `printf '%s\\n' "\${0##*/}" "$@" >>"$OUT"; printf '\\0\\n' >>"$OUT"\n`
    for (const name of ['postern', 'knock', 'knockd']) {
      const ready = `for word; do word=\${word#--config=}; word=\${word#-c}; [ -f "$word.$3" ] && exec cat "$word.$3"; done`
      const asked = `${ready}; exec ${process.execPath} ${program('postern')} "$@"`
      const real = `if [ "$1" = completion ] && [ "$2" = --values ]; then ${asked}; fi\n`
      writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${real}${note}`, { mode: 0o755 })
    }
    const { text } = SET_UP[shell]
    for (const name of ['set-up', '.zshrc'])
      writeFileSync(join(folder, name), text.replace('FILE', typed.script).replace('FUNCTIONS', folder))
    return typed
  }

  /** The folder in which lines are typed. */
  get folder(): string {
    return this.#folder
  }

  /** Types lines, each with its keys, in a namespace if one is named, and returns the words of the command that each ran. */
  async type(lines: readonly string[], ns?: string): Promise<readonly (readonly string[])[]> {
    const out = scratch('out')
    writeFileSync(out, '')
    const folder = this.#folder
    const path = `${folder}/bin:${process.env['PATH'] ?? ''}`
    const job = {
      argv: SET_UP[this.#shell].argv.map((word) => word.replace('SET_UP', join(folder, 'set-up'))),
      env: {
        PATH: path,
        HOME: folder,
        ZDOTDIR: folder,
        OUT: out,
        TERM: 'xterm',
        LC_ALL: 'C.UTF-8',
        HISTFILE: '',
      },
      cwd: folder,
      out,
      lines,
      limit: LINE_LIMIT_MS / 1000,
    }
    await run(['python3', '-IS', '-c', TYPIST], {
      input: JSON.stringify(job),
      limitMs: LINE_LIMIT_MS * 4,
      ...(ns === undefined ? {} : { ns }),
    })
    return readFileSync(out, 'utf8')
      .split('\0\n')
      .slice(0, -1)
      .map((text) => text.split('\n').slice(0, -1))
  }
}
