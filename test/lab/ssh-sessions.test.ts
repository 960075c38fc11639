// Goal: `postern open` opens for whoever types it, also in a shell of tmux, which has the SSH_CONNECTION of whoever started it:
// there it asks for an address. sshd, ssh and tmux are the real ones.
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { program, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, IS_ROOT, SERVER_4, link, pair } from './net.ts'
import { Host } from './net.ts'
import { run, until } from './process.ts'
import type { Output } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { probe, serveTcp } from './service.ts'

const SSHD = '/usr/sbin/sshd'
const TMUX = '/usr/bin/tmux'
const SSHD_FOLDER = '/run/sshd'
const SSH_PORT = 2222
/** The second client's address, and the server's on its link. */
const SECOND_4 = '198.51.100.2'
const SERVER_SECOND_4 = '198.51.100.1'
const CONFIG = '[ssh]\nSequence = 7301,5401,8822\nOpen_Ports = tcp/22\nOpen_For = 30s\n'

describe.skipIf(!IS_ROOT || !existsSync(SSHD) || !existsSync(TMUX))('postern open over ssh', () => {
  let first: Host
  let second: Host
  let daemon: Knockd
  let key: string
  let tmux: string

  beforeAll(async () => {
    mkdirSync(SSHD_FOLDER, { recursive: true })
    const { server, client } = await pair()
    first = client
    second = await Host.make('second')
    await link(
      { host: server, device: 'eth1', addresses: [`${SERVER_SECOND_4}/24`] },
      { host: second, addresses: [`${SECOND_4}/24`] },
    )
    const [hostKey, userKey] = [scratch('host'), scratch('user')]
    key = userKey
    for (const file of [hostKey, userKey]) await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', file])
    const lines = [
      `Port ${SSH_PORT}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${userKey}.pub`,
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin prohibit-password',
      'PidFile none\n',
    ]
    const sshd = server.start([SSHD, '-D', '-e', '-f', writeConfig(lines.join('\n'), 'sshd_config')])
    await sshd.line(/Server listening on 0.0.0.0/)
    await serveTcp(server, 22)
    daemon = await startKnockd({ host: server, config: CONFIG })
    tmux = `${TMUX} -S ${scratch('tmux')}`
  })

  const options = ['BatchMode=yes', 'LogLevel=ERROR', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null']
  const words = (server: string, command: string): readonly string[] => {
    const how = ['-F', '/dev/null', '-p', String(SSH_PORT), '-i', key, ...options.flatMap((option) => ['-o', option])]
    return ['ssh', ...how, `root@${server}`, command]
  }
  const byFirst = async (command: string): Promise<Output> => first.run(words(SERVER_4, command), { mayFail: true })
  const bySecond = async (command: string): Promise<Output> =>
    second.run(words(SERVER_SECOND_4, command), { mayFail: true })
  const opening = (): string => `${process.execPath} ${program('postern')} open ssh -c ${daemon.file}`
  /** Runs it in a window of the tmux that is there, and gives what it printed, its exit code last. */
  const inTmux = async (command: string): Promise<string> => {
    const file = scratch('printed')
    await bySecond(
      `${tmux} new-window "${command} >${file}.part 2>&1; echo \\$? >>${file}.part; mv ${file}.part ${file}"`,
    )
    await until('it has run', () => existsSync(file))
    return readFileSync(file, 'utf8')
  }

  test('in a session of its own it opens for that, also below a shell without the variable', async () => {
    expect((await byFirst(opening())).stdout).toBe(`ssh is open to ${CLIENT_4} for 30 s\n`)
    expect((await bySecond(`env -u SSH_CONNECTION ${opening()}; true`)).stdout).toBe(
      `ssh is open to ${SECOND_4} for 30 s\n`,
    )
    // What sshd says counts, and not what is in a variable.
    expect((await bySecond(`export SSH_CONNECTION='${CLIENT_4} 1 ${SERVER_4} 22'; ${opening()}; true`)).stdout).toBe(
      `ssh is open to ${SECOND_4} for 30 s\n`,
    )
    expect((await byFirst(opening().replace('open ssh', 'close --all'))).stdout).toBe('2 closed\n')
  })

  test('in tmux it names the address that the shell has, whether its connection lasts or not, and opens for nobody', async () => {
    const starter = first.start(words(SERVER_4, `${tmux} new-session -d; echo started; cat`))
    await starter.line(/started/)
    // Its standard input is closed, and so its connection ends.
    await starter.ended
    expect(await inTmux(opening())).toBe(
      `postern: SSH_CONNECTION names ${CLIENT_4}, but that connection has ended: this shell runs in tmux\n` +
        '  postern open ssh --source ADDRESS\n1\n',
    )
    await byFirst(`${tmux} kill-server`)

    const stays = first.start(words(SERVER_4, `${tmux} new-session -d; echo started; sleep 60`))
    await stays.line(/started/)
    expect(await inTmux(opening())).toBe(
      `postern: SSH_CONNECTION names ${CLIENT_4}, which may be somebody else's: this shell runs in tmux\n` +
        `  if it is yours: postern open ssh --source ${CLIENT_4}\n1\n`,
    )
    expect(await probe(first, SERVER_4, 22)).toBe('refused')
    expect(await inTmux(`${opening()} --source ${SECOND_4}`)).toBe(`ssh is open to ${SECOND_4} for 30 s\n0\n`)
    await byFirst(`${tmux} kill-server`)
  })
})
