// Goal: an operator sees in a real terminal what a real daemon does while it is knocked at, flooded, reloaded and restarted,
// acts with keys and is told what each did; and whatever ends the watch, the terminal is as it was.
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, afterEach, expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { framesTo, send, writeFrames } from './flood.ts'
import { postern } from './guarded.ts'
import { program, startAgain, startKnockd, withStateDir } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { OneDaemon } from './one-daemon.ts'
import type { Shared } from './one-daemon.ts'
import { runs, until } from './process.ts'
import type { Process } from './process.ts'
import { sendKnocks } from './service.ts'
import { Tmux } from './tmux.ts'

const one = new OneDaemon()
/** Whose doors and knocks the tests share that neither stop it nor change its config: `postern close --all` is all it takes. */
const shared: { at?: Shared } = {}
afterAll(async () => void (await shared.at?.daemon.process.stop()))

/** Starts the shared daemon again after it has ended. */
async function sharedAgain({ server, client, daemon }: Shared): Promise<Process> {
  const process = await startAgain(server, daemon)
  shared.at = { server, client, daemon: { ...daemon, process } }
  return process
}

/** The daemon that tests share, with nothing open and nobody ignored. */
async function sharedDaemon(): Promise<Shared> {
  if (shared.at === undefined) {
    const network = await pair()
    shared.at = { ...network, daemon: await startKnockd({ host: network.server, config: CONFIG }) }
  }
  const { server, client, daemon } = shared.at
  // A wrong knock ends the attempts of an earlier test.
  await sendKnocks(client, SERVER_4, ['9'])
  await postern(server, daemon, 'close', '--all')
  await postern(server, daemon, 'forgive', CLIENT_4)
  daemon.process.forget()
  return shared.at
}
const KNOCKS = ['4021', '811', '3010'] as const
/** A door whose name is written from right to left, and whose command prints what a terminal would obey. */
const HOSTILE = `[מגן]
Sequence = 5221,822,5222
Start_Command = printf '\\\\033]0;owned\\\\007\\\\033[2Jboo\\n'
`
const CONFIG = `[options]
Control_Group = nogroup
Scan_Ports = 10
[ssh]
Sequence = ${KNOCKS.join()}
Open_Ports = tcp/22
Open_For = 300s
Seq_Timeout = 60
[web]
Sequence = 4121,812,3110
Open_Ports = tcp/443
Open_For = 60s
[few]
Sequence = 4221,813
Open_Ports = tcp/80
`
const SSH = { columns: 80, rows: 24 }
/** A user whose group is the config's. */
const MEMBER = ['setpriv', '--reuid=1234', '--regid=65534', '--clear-groups']
const UTF8 = { LC_ALL: 'C.UTF-8' }

/** Runs a command in a terminal whose output is stopped, and ends it after it has tried to draw. */
const STOPPED_TERMINAL = `import os, pty, signal, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    termios.tcflow(1, termios.TCOOFF)
    os.execvp(sys.argv[1], sys.argv[1:])
end = time.monotonic() + 20
# It has its raw mode before it draws.
while termios.tcgetattr(fd)[3] & termios.ICANON and time.monotonic() < end: time.sleep(0.05)
time.sleep(0.7)
os.kill(pid, signal.SIGTERM)
while time.monotonic() < end:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done: break
    time.sleep(0.05)
else:
    os.kill(pid, signal.SIGKILL)
    sys.exit('it does not end')
print('ended:', os.waitstatus_to_exitcode(status))
`

const terminals: Tmux[] = []
afterEach(async () => {
  for (const each of terminals.splice(0)) await each.close()
})

async function terminal(host: Host, size = SSH, env: Readonly<Record<string, string>> = {}): Promise<Tmux> {
  const opened = await Tmux.start({ host, ...size, env: { ...UTF8, ...env } })
  terminals.push(opened)
  return opened
}

function command({ file }: Knockd, ...args: readonly string[]): string {
  return [process.execPath, program('postern'), 'watch', '-c', file, ...args].join(' ')
}

/** Opens a terminal with the watch in it, which has had its first status. */
async function watching(host: Host, daemon: Knockd, size = SSH, ...args: readonly string[]): Promise<Tmux> {
  const opened = await terminal(host, size)
  await opened.line(`${command(daemon, ...args)}; echo "ended: $?"`)
  await opened.shows(/^all is well/m)
  return opened
}

/** The processor time of a process, in milliseconds. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Says if the terminal is as a shell wants it: lines with echo, the cursor, and no other screen. */
async function isAsBefore(opened: Tmux): Promise<void> {
  await opened.line('stty -a | tr ";" "\\n"')
  const text = await opened.shows(/ icanon[^]* echo /)
  expect(text).not.toMatch(/-icanon|-echo /)
  expect(await opened.format('#{cursor_flag} #{alternate_on} #{wrap_flag}')).toBe('1 0 1')
}

lab('postern watch', () => {
  test('80 by 24: knocks, openings and their time, and every key says what it did', async () => {
    const { server, client, daemon } = await sharedDaemon()
    const watch = await watching(server, daemon)
    await watch.shows(/^Open 0 .*\n {2}nothing is open/m)
    await watch.shows(/^Attempts 0 .*Ignored 0/m)
    await sendKnocks(client, SERVER_4, ['4021', '811'])
    await watch.shows(new RegExp(`^ {2}${CLIENT_4} +ssh +2 +(?:59|60)s|^ {2}${CLIENT_4} +ssh +2 +1m`, 'm'))
    await sendKnocks(client, SERVER_4, ['3010'])
    await watch.shows(new RegExp(`^ {2}ssh +${CLIENT_4} +tcp/22 +(?:5m|4m 5\\ds)$`, 'm'))
    await watch.shows(/^ {2}ssh +tcp\/22 +5m +1 {2}its sequence$/m)
    await watch.shows(new RegExp(`${CLIENT_4}: ssh: OPEN SESAME`))
    await watch.shows(/^ {2}ssh .* 4m 5[0-7]s$/m)

    // Extended, to more than its time.
    await watch.press('j')
    await watch.shows(new RegExp(`^> ssh +${CLIENT_4}`, 'm'))
    await watch.press('e')
    await watch.shows(/^extend ssh for 192\.0\.2\.2, how long \(empty: 5m\):/m)
    await watch.line('10m')
    await watch.shows(/^open ssh for 192\.0\.2\.2: ssh is open to 192\.0\.2\.2 for 600 s$/m)
    await watch.shows(/^> ssh .*9m 5\ds$/m)
    // An opening is never shortened, and that is said.
    await watch.press('e')
    await watch.shows(/how long/)
    await watch.line('10s')
    await watch.shows(/for 10 s; it stays open for 9m\s[0-9]+s, as before$/m)

    // Opened by hand, with Tab, and with mistakes.
    await watch.press('Escape', 'o')
    await watch.shows(/^open which door:/m)
    await watch.line('wbe')
    await watch.shows(/^there is no door wbe: did you mean: web$/m)
    await watch.press('C-u')
    await watch.type('w')
    await watch.press('Tab')
    await watch.shows(/^open which door: web/m)
    await watch.press('Enter')
    await watch.shows(/^open web for which address:/m)
    await watch.line('192.0.2')
    await watch.shows(/^192\.0\.2 is not an address: as in 192\.0\.2\.7 or 2001:db8::7$/m)
    await watch.press('C-u')
    await watch.line('2001:DB8::0:77')
    await watch.shows(/how long \(empty: 1m\)/)
    await watch.press('Enter')
    await watch.shows(/^open web for 2001:db8::77: web is open to 2001:db8::77 for 60 s$/m)
    await watch.shows(/^Open 2 /m)

    // Closed only after a question.
    await watch.press('j', 'j', 'c')
    await watch.shows(/^close web for 2001:db8::77\? y or n:/m)
    await watch.press('n')
    await watch.shows(/^close: nothing was closed$/m)
    await watch.press('c')
    await watch.shows(/y or n:/)
    await watch.press('y')
    await watch.shows(/^close web for 2001:db8::77: 1 closed$/m)
    await watch.shows(/^Open 1 /m)

    // Ignored, and forgiven.
    await sendKnocks(
      client,
      SERVER_4,
      Array.from({ length: 14 }, (_, index) => String(6_000 + 7 * index)),
    )
    await watch.shows(new RegExp(`^Attempts.*\\n.* ${CLIENT_4} +port scan`, 'm'))
    await watch.press('f')
    await watch.shows(/^forgive which address:/m)
    await watch.press('C-u')
    await watch.line(CLIENT_4)
    await watch.shows(/^forgive 192\.0\.2\.2: 192\.0\.2\.2 is no longer ignored$/m)
    await watch.shows(/^Attempts.*Ignored 0/m)

    // What is pasted is typed at most, and decides nothing.
    await watch.paste('c\ny\nq\n')
    await watch.press('?')
    await watch.shows(/^Keys\narrows, j, k /m)
    await watch.press('q')
    await watch.press('!')
    await watch.shows(/^Health\ncapture ok +1 interface/m)
    await watch.press('Escape')
    await watch.shows(/^Open 1 /m)
    await watch.press('q')
    await watch.shows(/^ended: 0$/m)
    await isAsBefore(watch)
  }, 180_000)

  test('a filter, a pause, the details of a row, another size, and a stop', async () => {
    const { server, client, daemon } = await sharedDaemon()
    const watch = await watching(server, daemon)
    await sendKnocks(client, SERVER_4, KNOCKS)
    await watch.shows(/OPEN SESAME/)
    await watch.press('o')
    await watch.line('web')
    await watch.line('192.0.2.77')
    await watch.press('Enter')
    await watch.shows(/^Open 2 /m)
    await watch.press('/')
    await watch.shows(/^show only \(empty: everything\):/m)
    await watch.type('--do')
    await watch.press('Tab')
    await watch.type('w')
    await watch.press('Tab')
    await watch.shows(/--door web/)
    await watch.press('Enter')
    await watch.shows(/^filter: only --door web$/m)
    const chosen = await watch.shows(/^Open 1 [^]*^ {2}web +192\.0\.2\.77[^]*web: opened by hand/m)
    expect(chosen).not.toMatch(/OPEN SESAME|^ {2}ssh /m)
    await watch.press('/', 'C-u')
    await watch.line('--source home')
    await watch.shows(/^--source: invalid address or network home: as in/m)
    await watch.press('C-u')
    await watch.line('--source 192.0.2.0/29')
    await watch.shows(/^knockd .*only --source 192\.0\.2\.0\/29/m)
    await watch.shows(/^ {2}ssh +192\.0\.2\.2 /m)
    await watch.press('s')
    await watch.shows(/^filter: everything is shown$/m)
    await watch.shows(/^Open 2 /m)

    await watch.press('j', 'Enter')
    await watch.shows(/^door +ssh\nsource +192\.0\.2\.2\nusers +not named\nopens +tcp\/22\nleft /m)
    await watch.press('Escape')
    await watch.press('p')
    const paused = await watch.shows(/PAUSED, as of/)
    await sendKnocks(client, SERVER_4, ['4121'])
    await daemon.process.line(/web: Stage 1/)
    expect((await watch.screen()).slice(1, 20)).toEqual(paused.split('\n').slice(1, 20))
    await watch.press('p')
    await watch.shows(/watching again; what knockd forgot meanwhile is missing[^]*web: Stage 1/)

    await watch.resize(200, 60)
    await watch.shows(/^Open 2 .*left {2}Attempts/m)
    await watch.resize(30, 8)
    await watch.shows(/^Open 2/m)
    expect((await watch.screen()).every((row) => row.length <= 30)).toBe(true)
    await watch.resize(80, 24)
    await watch.shows(/^Doors 3 /m)

    await watch.press('C-z')
    await watch.shows(/Stopped|suspended/i)
    expect(await watch.format('#{cursor_flag} #{alternate_on} #{wrap_flag}')).toBe('1 0 1')
    const connections = async (): Promise<number> =>
      (await server.run(['ss', '-xH', 'state', 'connected'])).stdout
        .split('\n')
        .filter((row) => row.includes('/run/postern/')).length
    // The daemon takes a moment to see that the other end is gone.
    await until('no connection is left', async () => (await connections()) === 0)
    await watch.line('fg')
    await watch.shows(/^knockd [^]*^Open 2 /m)
    const pid = await watch.pid()
    process.kill(pid, 'SIGTERM')
    // Until then it takes what is typed.
    await until('it has ended', () => !runs(pid))
    await watch.line('echo "ended: $?"')
    // What is typed may come before the prompt.
    await watch.shows(/^(?:\$ )?ended: 143$/m)
    await isAsBefore(watch)
  }, 180_000)

  test('a flood shows in the graph, and costs the watch little', async () => {
    const { server, client } = await pair()
    const daemon = await one.start(server, CONFIG)
    const packets = Array.from({ length: 4_000 }, (_, index) => ({
      from: `10.${index & 255}.${index >>> 8}.7`,
      to: SERVER_4,
      port: 4_021,
      flags: 2,
    }))
    const frames = writeFrames(await framesTo(server, packets))
    const { pid } = daemon.process
    const isMeasured = process.env.MEASURE !== undefined
    /** The processor time of the daemon in a flood, of four seconds to measure it. */
    const flooded = async (): Promise<number> => {
      const began = cpuMs(pid)
      await send(client, frames, 10_000, isMeasured ? 10 : 4).ended
      return cpuMs(pid) - began
    }
    // To compare with. What is compiled in the first flood takes no time in the others.
    if (isMeasured) await flooded()
    const alone = isMeasured ? await flooded() : 0
    const watch = await watching(server, daemon)
    const watcher = await watch.pid()
    const idle = cpuMs(watcher)
    const watched = await flooded()
    const own = cpuMs(watcher) - idle
    if (isMeasured) {
      console.log(`daemon ${alone} ms alone, ${watched} ms watched; watch ${own} ms; of some 4 s`)
    }
    expect(own).toBeLessThan(2_000)
    await watch.shows(/^packets\/s +[0-9]{2,} /m)
    await watch.shows(/and [0-9,]+ more/)
    await watch.press('q')
    await watch.shows(/^ended: 0$/m)
  }, 180_000)

  test('a member of Control_Group sees and does what members may, and is told what is hidden', async () => {
    const { server, client, daemon } = await sharedDaemon()
    const watch = await terminal(server)
    // The member may look for the config, and read none of it.
    await watch.line(`chmod 711 $(dirname ${daemon.file}); ${MEMBER.join(' ')} ${command(daemon)}; echo "ended: $?"`)
    await watch.shows(/^packets, knocks, attempts and who is ignored are shown only to root$/m)
    await sendKnocks(client, SERVER_4, KNOCKS)
    await watch.shows(new RegExp(`^ {2}ssh +${CLIENT_4} `, 'm'))
    const text = await watch.shows(/^ {2}shown only to root +shown only to root$/m)
    expect(text).not.toMatch(/Stage/)
    await watch.press('f')
    await watch.line(CLIENT_4)
    await watch.shows(/^forgive 192\.0\.2\.2: not done: only root may forgive \(use sudo\)$/m)
    await watch.press('j', 'c', 'y')
    await watch.shows(/^close ssh for 192\.0\.2\.2: 1 closed$/m)
    await watch.press('q')
    await watch.shows(/^ended: 0$/m)
  }, 120_000)

  test('plain: a line an event and no control sequence, in a pipe, a dumb terminal, and with commands typed', async () => {
    // What a daemon has seen before would scroll the first lines away.
    const { server, client } = await pair()
    const daemon = await one.start(server, CONFIG)
    const piped = server.start([process.execPath, program('postern'), 'watch', '-c', daemon.file])
    await piped.line(/^watching knockd .*: 3 doors, 0 open, 0 attempts under way, 0 ignored addresses$/)
    await piped.line(/^all is well$/)
    const watch = await terminal(server, SSH, { TERM: 'dumb' })
    await watch.line(`${command(daemon)} | cat -v; echo "ended: $?"`)
    await watch.line('')
    const dumb = await terminal(server, SSH, { TERM: 'dumb' })
    await dumb.line(`${command(daemon)}; echo "ended: $?"`)
    await dumb.shows(/type help and Enter for commands/)
    await sendKnocks(client, SERVER_4, KNOCKS)
    await piped.line(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d 192\.0\.2\.2: ssh: OPEN SESAME$/)
    await watch.shows(/ssh: OPEN SESAME/)
    expect(await watch.shows(/OPEN SESAME/)).not.toMatch(/\^\[/)
    await dumb.line('extend')
    await dumb.shows(/^extend which door, as ssh\? A dot ends this$/m)
    await dumb.line('ssh')
    await dumb.shows(/^extend ssh for which address, as 192\.0\.2\.2\?/m)
    await dumb.line('192.0.2.3')
    await dumb.shows(/^ssh is not open for 192\.0\.2\.3/m)
    await dumb.line('192.0.2.2')
    await dumb.shows(/how long \(empty: 5m\)\?/)
    await dumb.line('20m')
    await dumb.shows(/ssh is open to 192\.0\.2\.2 for 1200 s$/m)
    await dumb.line('list')
    await dumb.shows(/^health:/m)
    await daemon.process.stop()
    await piped.line(/^knockd is not running.*; trying again$/)
    await one.again(server, daemon)
    await piped.line(/^knockd is back after .*, restarted: process/)
    await dumb.line('quit')
    await dumb.shows(/^ended: 0$/m)
    expect(piped.stdout).toMatch(/^[\P{Cc}\n]*$/u)
    expect(await piped.stop()).toMatchObject({ code: 0 })
  }, 180_000)

  test('whatever ends the watch, the terminal is given back: signals, an error of its own, a terminal that is gone', async () => {
    const { server, daemon } = await sharedDaemon()
    const signals = [
      ['SIGHUP', 129],
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const
    // Without SLOW the test with a stop alone sends one.
    for (const [signal, code] of SLOW ? signals : []) {
      const watch = await watching(server, daemon)
      process.kill(await watch.pid(), signal)
      await watch.shows(new RegExp(`^ended: ${code}$`, 'm'))
      await isAsBefore(watch)
    }
    const broken = await terminal(server)
    const fault = 'data:text/javascript,process.on(`SIGUSR2`,()=>{throw(new(Error)(`boom`))})'
    await broken.line(`NODE_OPTIONS='--import ${fault}' ${command(daemon)}; echo "ended: $?"`)
    await broken.shows(/^Open 0/m)
    process.kill(await broken.pid(), 'SIGUSR2')
    const text = await broken.shows(/^ended: 1$/m)
    expect(text).toMatch(/boom/)
    await isAsBefore(broken)

    const gone = await watching(server, daemon)
    const pid = await gone.pid()
    await gone.close()
    await until('it has ended', () => !runs(pid))

    // Neither is the watch held up by a terminal that takes nothing, as after Ctrl-S.
    const [node, ...args] = command(daemon).split(' ')
    const held = await server.run(['python3', '-c', STOPPED_TERMINAL, node!, ...args], {
      env: { ...UTF8, TERM: 'xterm' },
    })
    expect(held.stdout).toBe('ended: 143\n')
  }, 180_000)

  test('a config that is not there, or a socket that is not ours, is an error and no picture', async () => {
    const { server, daemon } = await sharedDaemon()
    const missing = await server.run([process.execPath, program('postern'), 'watch', '-c', '/nonexistent'], {
      mayFail: true,
    })
    expect([missing.code, missing.stdout]).toEqual([1, ''])
    expect(missing.stderr).toMatch(/^postern: \/nonexistent: .*\n {2}name the config of knockd: -c FILE\n$/)
    const other = ['setpriv', '--reuid=1235', '--regid=1235', '--clear-groups']
    await server.run(['chmod', '711', daemon.file.replace(/\/[^/]*$/, '')])
    const refused = await server.run([...other, process.execPath, program('postern'), 'watch', '-c', daemon.file], {
      mayFail: true,
    })
    expect([refused.code, refused.stderr]).toEqual([
      1,
      'postern: permission denied\n  use sudo, or set Control_Group in [options]\n',
    ])
  })

  test('200 by 60 without colours: a reload, a restart, an interface that goes, and hostile names', async () => {
    // The last of those that share the daemon, as the interface is gone at its end.
    const all = await sharedDaemon()
    const { server, client, daemon } = all
    const watch = await terminal(server, { columns: 200, rows: 60 }, { NO_COLOR: '1' })
    await watch.line(`${command(daemon)}; echo "ended: $?"`)
    await watch.shows(/^all is well - .*daemon: runs$/m)
    await sendKnocks(client, SERVER_4, KNOCKS)
    await watch.shows(/^ {2}ssh +192\.0\.2\.2 .*left|^ {2}ssh +192\.0\.2\.2 /m)
    const styled = (await watch.screen(true)).join('\n')
    const codes = new Set([...styled.matchAll(/\[([0-9;]*)m/g)].flatMap(([, code = '']) => code.split(';')))
    expect([...codes].filter((code) => !['', '0', '1', '2', '7', '39', '49'].includes(code))).toEqual([])

    const more = `${CONFIG}\n${HOSTILE}[late]\nSequence = 5121,5122,5123\nOpen_Ports = tcp/8080\n`
    writeFileSync(daemon.file, withStateDir(more, daemon.stateDir))
    daemon.process.kill('SIGHUP')
    await watch.shows(/^ {2}late +tcp\/8080/m)
    await watch.shows(/re-reading config file/)
    await watch.shows(/^ {2}<U\+05DE><U\+05D2>/m)
    await sendKnocks(client, SERVER_4, ['5221', '822', '5222'])
    await watch.shows(/command printed: .*033\]0;owned.*boo/)
    expect(await watch.format('#{pane_title}')).not.toContain('owned')
    await watch.shows(/^knockd /m)

    const before = daemon.process.pid
    await daemon.process.stop()
    await watch.shows(/NO ANSWER, as of \d\d:\d\d:\d\d$/m)
    await watch.shows(/^knockd is not running.* since \d\d:\d\d:\d\d: start it.*; trying again$/m)
    // What is asked meanwhile is answered too.
    await watch.press('f')
    await watch.line('192.0.2.9')
    await watch.shows(/^forgive 192\.0\.2\.9: not done: knockd is not running/m)
    const second = await sharedAgain(all)
    await watch.shows(new RegExp(`knockd is back after [0-9ms ]+, restarted: process ${before} is now ${second.pid}`))
    await watch.shows(/^ {2}ssh +192\.0\.2\.2 /m)
    second.kill('SIGKILL')
    await watch.shows(/NO ANSWER/)
    await sharedAgain(all)
    await watch.shows(/restarted: process/)

    await server.ip('link del eth0')
    await watch.shows(/^CRITICAL capture: eth0 is not captured/m)
    await watch.press('q')
    await watch.shows(/^ended: 0$/m)
  }, 180_000)
})
