// Goal: the image of packaging/docker hides a port of its host and opens it to a knock, with the privileges that its compose
// example names and no others, on a root file system that it cannot write.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { baseOf } from './booted.ts'
import { PROJECT } from './knockd.ts'
import { IS_ROOT, SERVER_4, pair } from './net.ts'
import { Process, run } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { probe, sendKnocks, serveTcp } from './service.ts'

const LIMIT_MS = 900_000
const CONFIG = `[options]
	Interface = eth0
[ssh]
	Sequence = 24817,8093,41552
	Open_Ports = tcp/22
	Open_For = 10m
`
/** CAP_NET_ADMIN and CAP_NET_RAW (capabilities(7)), as /proc/PID/status prints them. */
const BOTH = '0000000000003000'
/** Containers need the unified hierarchy, in a mount namespace of theirs where the host has none. */
const WITH_CGROUPS =
  'stat -f -c %T /sys/fs/cgroup | grep -q cgroup2fs || mount -t cgroup2 none /sys/fs/cgroup; exec "$@"'

describe.skipIf(!IS_ROOT || !SLOW)('the container', () => {
  const store = scratch('containers')
  const podman = (...words: readonly string[]): readonly string[] => [
    'unshare',
    '--mount',
    'sh',
    '-c',
    WITH_CGROUPS,
    'sh',
    'podman',
    '--root',
    `${store}/root`,
    '--runroot',
    `${store}/run`,
    '--storage-driver',
    'vfs',
    '--cgroup-manager',
    'cgroupfs',
    ...words,
  ]

  beforeAll(async () => {
    const context = join(store, 'context')
    mkdirSync(context, { recursive: true })
    await run([join(PROJECT, 'script/package'), '--out', join(context, 'packages'), 'amd64'], {
      limitMs: LIMIT_MS,
      env: { QUICK: '1' },
    })
    // Debian as debootstrap makes it takes the place of the image of a registry.
    const base = await baseOf({ suite: 'bookworm', init: 'systemd', packages: [] })
    const image = 'tar -C "$0" --exclude=./root --exclude=./var/lib/apt/lists -c . | "$@"'
    await run(['sh', '-c', image, base, ...podman('import', '-', 'localhost/debian')], { limitMs: LIMIT_MS })
    const file = join(PROJECT, 'packaging/docker/Dockerfile')
    const build = [
      'build',
      '--isolation',
      'chroot',
      '--build-arg',
      'BASE=localhost/debian',
      '-f',
      file,
      '-t',
      'postern',
    ]
    await run(podman(...build, context), { limitMs: LIMIT_MS })
  }, LIMIT_MS)
  afterAll(async () => {
    await run(podman('rm', '--all', '--force'), { mayFail: true })
  }, LIMIT_MS)

  test(
    'opens a port with the privileges of the compose example alone',
    async () => {
      const compose = readFileSync(join(PROJECT, 'packaging/docker/compose.yaml'), 'utf8')
      const listed = (key: string): readonly string[] =>
        (new RegExp(`^    ${key}: \\[(.*)\\]$`, 'm').exec(compose)?.[1] ?? '')
          .split(', ')
          .map((word) => word.replaceAll("'", ''))
      expect(compose).toMatch(/^ {4}network_mode: host$/m)
      expect(compose).toMatch(/^ {4}read_only: true$/m)
      const { server, client } = await pair()
      await serveTcp(server, 22)
      mkdirSync(join(store, 'state'), { mode: 0o700 })
      const options = [
        '--name=knockd --network=host --read-only',
        // The limits that podman would set take a privilege that a test machine may lack.
        '--cgroups=disabled --ulimit=nofile=1024:1024 --ulimit=nproc=4096:4096 --log-driver=k8s-file',
        ...listed('cap_drop').map((name) => `--cap-drop=${name}`),
        ...listed('cap_add').map((name) => `--cap-add=${name}`),
        ...listed('security_opt').map((name) => `--security-opt=${name.replace(':true', '')}`),
        ...listed('tmpfs').map((path) => `--tmpfs=${path}`),
        `--volume=${writeConfig(CONFIG)}:/etc/knockd.conf:ro --volume=${store}/state:/var/lib/postern`,
      ].flatMap((words) => words.split(' '))
      const daemon: Process = server.start(podman('run', ...options, 'localhost/postern'))
      await daemon.line(/listening on eth0/, LIMIT_MS)
      expect(await probe(client, SERVER_4, 22)).not.toBe('open')
      await sendKnocks(client, SERVER_4, ['24817', '8093', '41552'])
      await daemon.line(/ssh: tcp\/22 open/)
      expect(await probe(client, SERVER_4, 22)).toBe('open')
      const inside = async (...words: readonly string[]): Promise<string> =>
        (await server.run(podman('exec', 'knockd', ...words), { limitMs: LIMIT_MS })).stdout
      expect(await inside('postern', 'status')).toMatch(/guard: hides tcp\/22/)
      const status = await inside('cat', '/proc/1/status')
      for (const set of ['CapPrm', 'CapEff', 'CapBnd']) expect(status).toMatch(new RegExp(`^${set}:\\t${BOTH}$`, 'm'))
      expect(status).toMatch(/^NoNewPrivs:\t1$/m)
      expect(await inside('sh', '-c', 'touch /written 2>&1 || true')).toMatch(/Read-only file system/)
    },
    LIMIT_MS,
  )
})
