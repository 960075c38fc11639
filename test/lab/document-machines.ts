// Machines on which a test types what a document has people type: network namespaces with their own /etc, /var/lib, /run and
// /root, or booted root file systems; all on one network, and a terminal that answers questions.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Booted } from './booted.ts'
import { PROJECT } from './knockd.ts'
import { Host, link } from './net.ts'
import { Process, run } from './process.ts'
import type { Output, Run } from './process.ts'
import { scratch } from './scratch.ts'

/** A machine as a person uses it: as root, at a shell. */
export interface DocumentMachine {
  /** Returns the command line that runs another one there. */
  words(argv: readonly string[]): readonly string[]
}

/**
 * Answers to questions at a terminal: the end of what is shown, as Python's re(3) has it, and the line that is typed. An
 * answer that begins with `!` is a command of the test's machine, which reads what is shown and prints the keys.
 */
export type Answers = readonly (readonly [question: string, answer: string])[]

/** Runs a command at a terminal of its own, and answers its questions. In Python, as Node.js has no terminals. */
const TERMINAL = `import json, os, pty, re, sys
argv, answers = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0: os.execvp(argv[0], argv)
seen = ''
while True:
    try: data = os.read(fd, 65536)
    except OSError: break
    if not data: break
    sys.stdout.buffer.write(data.replace(b'\\r', b''))
    sys.stdout.flush()
    seen = (seen + data.decode(errors='replace'))[-4000:]
    for question, answer in answers:
        if re.search('(?:' + question + r')\\s*$', seen):
            if answer[0:1] != '!': keys = (answer + '\\n').encode()
            else:
                import subprocess
                keys = subprocess.run(['sh', '-ec', answer[1:]], input=seen.encode(), stdout=subprocess.PIPE, check=True).stdout
            os.write(fd, keys)
            seen = ''
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

/** Starts lines of a shell, typed at a terminal of a machine. The first that fails ends them. */
export function type(machine: DocumentMachine, lines: string, answers: Answers = []): Process {
  const argv = machine.words(['bash', '-ec', lines])
  return new Process(['python3', '-IS', '-c', TERMINAL, JSON.stringify([argv, answers])])
}

/** Runs a command on a machine without a terminal. */
export async function runOn(machine: DocumentMachine, argv: readonly string[], how: Run = {}): Promise<Output> {
  return await run(machine.words(argv), how)
}

/** Writes a file on a machine. */
export async function writeOn(machine: DocumentMachine, path: string, text: string, mode = '600'): Promise<void> {
  await runOn(machine, ['sh', '-ec', 'umask 077; cat >"$0"; chmod "$1" "$0"', path, mode], { input: text })
}

/** One network for all machines of a document. */
export class DocumentNetwork {
  readonly #switch: Host
  readonly #programs: string
  #ports = 0

  private constructor(middle: Host, programs: string) {
    this.#switch = middle
    this.#programs = programs
  }

  /** @param standIns scripts in the place of programs that a namespace cannot run, by name */
  static async make(standIns: Readonly<Record<string, string>>): Promise<DocumentNetwork> {
    const middle = await Host.make('switch')
    await middle.ip('link add br0 type bridge')
    await middle.ip('link set br0 up')
    const programs = scratch('programs')
    mkdirSync(programs)
    const built = ['postern', 'knock', 'knockd'].map(
      (name) => [name, `exec ${process.execPath} ${join(PROJECT, 'dist/bin', `${name}.js`)} "$@"`] as const,
    )
    for (const [name, script] of [...built, ...Object.entries(standIns)]) {
      writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`)
      chmodSync(join(programs, name), 0o755)
    }
    return new DocumentNetwork(middle, programs)
  }

  /** Makes a machine with a namespace of its own, where Postern is not set up. */
  async machine(name: string, address: string): Promise<DocumentMachine> {
    const host = await Host.make(name)
    const device = `p${this.#ports++}`
    await link({ host: this.#switch, device }, { host, addresses: [`${address}/24`] })
    await this.#switch.ip(`link set ${device} master br0`)
    const holder = host.start(['unshare', '-m', 'sh', '-c', MACHINE, 'machine', this.#programs])
    await holder.line(/^ready$/)
    const inside = ['nsenter', '--target', String(holder.pid), '--mount', '--net']
    // nsenter(1) itself would open the folder of the test's own machine.
    const env = ['env', '-i', '-C', '/root', 'HOME=/root', 'USER=root', 'LC_ALL=C.UTF-8', 'TERM=xterm', `PATH=${PATH}`]
    return { words: (argv) => [...inside, ...env, ...argv] }
  }

  /** Joins a booted machine to the network. */
  async join(booted: Booted, address: string): Promise<DocumentMachine> {
    const device = `p${this.#ports++}`
    const peer = ['peer', 'name', 'eth0', 'netns', String(booted.init)]
    await run(['ip', 'link', 'add', 'name', device, 'netns', this.#switch.ns, 'type', 'veth', ...peer])
    await this.#switch.ip(`link set ${device} master br0 up`)
    await booted.run(`ip addr add ${address}/24 dev eth0 && ip link set eth0 up`)
    return booted
  }
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Gives a machine folders of its own, and programs; nothing of Postern or etcd is there. */
const MACHINE = `set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 postern /mnt
for path in /etc /var/lib; do
  mkdir -p "/mnt/upper$path" "/mnt/work$path"
  mount -t overlay -o "lowerdir=$path,upperdir=/mnt/upper$path,workdir=/mnt/work$path" postern "$path"
done
mkdir -p /etc/postern /etc/etcd /var/lib/postern /var/lib/etcd
for path in /etc/postern /etc/etcd /var/lib/postern /var/lib/etcd /run; do
  mount -t tmpfs -o mode=755 postern "$path"
done
mount -t tmpfs -o mode=700 postern /root
chown etcd: /var/lib/etcd
rm -f /etc/knockd.conf /etc/default/etcd /etc/default/knockd
mount --bind "$1" /usr/local/sbin
echo ready
exec sleep infinity`
