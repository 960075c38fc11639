// A machine with a root file system of its own, made from Debian's archive and booted by systemd-nspawn: for packages and units.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Process, run, until, type Output, type Run } from './process.ts'
import { scratch } from './scratch.ts'

/** Where root file systems stay between runs: making one takes a minute, and what is tried on it is laid over it. */
const ROOTS = '/var/cache/postern-test'
const MIRROR = 'http://deb.debian.org/debian'
const PROGRAMS = [
  'iproute2',
  'nftables',
  'iptables',
  'netcat-openbsd',
  'procps',
  'libpcap0.8',
  'libnftables1',
  'libstdc++6',
  'libatomic1',
]
/** Milliseconds that debootstrap and apt may take. */
const ARCHIVE_LIMIT_MS = 600_000
/** Milliseconds that a boot, and a command in what was booted, may take. */
const COMMAND_LIMIT_MS = 120_000
/** How each init tells that the machine has booted: a command line, and what it prints then. */
const BOOTED = {
  systemd: { line: 'systemctl is-system-running', begun: /^(running|degraded)$/ },
  sysvinit: { line: 'runlevel', begun: /2$/ },
} as const
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

/** What is booted: Debian's release, its init, and packages beside those that every machine has. */
export interface Kind {
  readonly suite: 'bookworm' | 'trixie'
  readonly init: 'systemd' | 'sysvinit'
  readonly packages: readonly string[]
}

const machines = new Set<Booted>()
// systemd-nspawn that is killed leaves its machine running.
process.once('exit', () => {
  for (const machine of machines) machine.kill()
})

export class Booted {
  /** The root file system, as it is seen from outside. */
  readonly root: string
  readonly #kind: Kind
  readonly #folder: string
  #container: Process | undefined
  #init = 0

  private constructor(kind: Kind) {
    this.#kind = kind
    this.#folder = scratch(`${kind.suite}-${kind.init}`)
    this.root = join(this.#folder, 'root')
  }

  /** Makes the machine and boots it. Needs root, debootstrap and systemd-nspawn, and reaches Debian's archive. */
  static async make(kind: Kind): Promise<Booted> {
    const base = await baseOf(kind)
    const machine = new Booted(kind)
    machines.add(machine)
    for (const part of ['upper', 'work', 'root']) mkdirSync(join(machine.#folder, part), { recursive: true })
    const layers = `lowerdir=${base},upperdir=${machine.#folder}/upper,workdir=${machine.#folder}/work`
    await run(['mount', '-t', 'overlay', 'overlay', '-o', layers, machine.root])
    await machine.boot()
    return machine
  }

  async boot(): Promise<void> {
    const argv = ['systemd-nspawn', '--quiet', '--directory', this.root, '--register=no', '--keep-unit', '--boot']
    const container = new Process([...argv, '--private-network', '--console=pipe'], {
      env: { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
    })
    this.#container = container
    const children = `/proc/${container.pid}/task/${container.pid}/children`
    // systemd-nspawn's first child only prepares the mounts; the next one is the machine's first process.
    await until(
      'the first process',
      () => {
        this.#init = Number(readFileSync(children, 'utf8').trim().split(' ')[0])
        return this.#init !== 0 && /^(systemd|init)\n$/.test(readFileSync(`/proc/${this.#init}/comm`, 'utf8'))
      },
      COMMAND_LIMIT_MS,
    )
    const { begun, line } = BOOTED[this.#kind.init]
    await until(
      'the end of the boot',
      async () => begun.test((await this.run(line, { mayFail: true })).stdout.trim()),
      COMMAND_LIMIT_MS,
    )
  }

  /** Runs a shell's command line in the booted machine. */
  async run(line: string, how: Omit<Run, 'ns' | 'cwd'> = {}): Promise<Output> {
    return await run(this.words(['sh', '-c', line]), { limitMs: COMMAND_LIMIT_MS, ...how })
  }

  /** Returns the command line that runs another one in the booted machine. */
  words(argv: readonly string[]): readonly string[] {
    const clean = [
      'env',
      '-i',
      '-C',
      '/root',
      `PATH=${PATH}`,
      'HOME=/root',
      'LC_ALL=C.UTF-8',
      'DEBIAN_FRONTEND=noninteractive',
    ]
    return ['nsenter', '--target', String(this.#init), '--all', ...clean, ...argv]
  }

  /** The first process of the machine. */
  get init(): number {
    return this.#init
  }

  write(path: string, text: string, mode = 0o644): void {
    writeFileSync(join(this.root, path), text, { mode })
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8')
  }

  /** Cuts the machine's power, and boots it again with what is on its disk. */
  async reboot(): Promise<void> {
    this.kill()
    await this.#container?.ended
    await this.boot()
  }

  /** Cuts the machine's power: with its first process all others end. */
  kill(): void {
    if (this.#init !== 0) process.kill(this.#init, 'SIGKILL')
    this.#init = 0
  }

  async stop(): Promise<void> {
    this.kill()
    await this.#container?.ended
    await run(['umount', '--recursive', '--lazy', this.root], { mayFail: true })
    machines.delete(this)
  }
}

/** Stops every machine that is still running. */
export async function stopMachines(): Promise<void> {
  for (const machine of machines) await machine.stop()
}

/** The root file system that machines of a kind begin with; it is made once. */
export async function baseOf({ suite, init, packages }: Kind): Promise<string> {
  const all = [...PROGRAMS, ...packages]
  const folder = join(ROOTS, `${suite}-${init}-${packages.join('-') || 'plain'}`)
  const whole = join(folder, 'var/lib/postern-test')
  const wanted = all.join(' ')
  if (existsSync(whole) && readFileSync(whole, 'utf8') === wanted) return folder
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const first =
    init === 'systemd' ? 'systemd,systemd-sysv,dbus' : 'sysvinit-core,initscripts,insserv,orphan-sysvinit-scripts'
  await run(['debootstrap', '--variant=minbase', `--include=${first}`, suite, folder, MIRROR], {
    limitMs: ARCHIVE_LIMIT_MS,
  })
  const policy = join(folder, 'usr/sbin/policy-rc.d')
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  const apt = 'apt-get -q -y -o APT::Sandbox::User=root'
  const line = `${apt} install --no-install-recommends ${wanted} && cd /root && ${apt} download knockd libpopt0 logrotate`
  await run(
    [
      // What a package starts all the same ends with it.
      'unshare',
      '--pid',
      '--fork',
      '--kill-child',
      'chroot',
      folder,
      'env',
      '-u',
      'NODE_EXTRA_CA_CERTS',
      'DEBIAN_FRONTEND=noninteractive',
      `PATH=${PATH}`,
      'sh',
      '-c',
      line,
    ],
    {
      limitMs: ARCHIVE_LIMIT_MS,
    },
  )
  rmSync(policy)
  writeFileSync(whole, wanted)
  return folder
}
