// Goal: what log watchers and scripts see of knockd, they see of ours: the messages to /dev/log byte for byte, the log file
// and its mode, and a process that goes by the name of knockd. Debian's knockd runs beside it.
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { REAL_KNOCKD, program } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import { until } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { sendKnocks } from './service.ts'

const OURS = [process.execPath, program('knockd')]

/** Prints what comes to /dev/log, a line of JSON a message; in Python, as Node.js has no such sockets. */
const LISTENER = `import json, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('/dev/log')
while True: print(json.dumps(s.recv(9000).decode()), flush=True)`

/** Starts a daemon on a /dev/log of its own: the machine's is not written to. */
const SCRIPT = `umask 022; mount -t tmpfs tmpfs /mnt; mkdir /mnt/dev; cp -a /dev/null /dev/urandom /dev/random /mnt/dev
mount --bind /mnt/dev /dev
python3 -c "$LISTENER" & listener=$!
until [ -S /dev/log ]; do :; done
"$@" & daemon=$!; echo "pid $daemon"; wait $daemon; kill $listener`

interface Seen {
  /** Messages to /dev/log without the time, and without the line end that knockd puts behind some. */
  readonly messages: readonly string[]
  /** Lines of the log file without the time and without empty ones. */
  readonly logged: readonly string[]
  readonly logMode: string
  /** Whether pidof(1) and pgrep(1) find it by its name. */
  readonly named: readonly boolean[]
}

/** Runs a daemon: a knock, a reload, another knock, and the end. */
async function watch(daemon: readonly string[]): Promise<Seen> {
  const { server, client } = await pair()
  const [log, unused] = [scratch('log'), scratch('unused')]
  const options = `[options]\nUseSyslog\nLogFile = ${log}\n${daemon === OURS ? `StateDir = ${scratch('state')}\n` : ''}`
  const file = writeConfig(`${options}[ssh]\nSequence = 49213,7301,18822\nTCPFlags = syn\nCommand = exit 3\n`)
  const words = [...daemon, '-i', 'eth0', '-c', file, '-g', unused]
  const running = server.start(['unshare', '-m', 'sh', '-c', SCRIPT, 'sh', ...words], { env: { LISTENER } })
  const pid = Number((await running.line(/^pid /)).slice('pid '.length))
  await running.line(/^".*starting up/)
  const found = [['pidof'], ['pgrep', '-x']].map(([name = '', ...more]) =>
    execFileSync(name, [...more, 'knockd'], { encoding: 'utf8' })
      .trim()
      .split(/\s/),
  )
  // knockd's child writes the file only when it ends, after the message.
  const isWritten = async (times: number): Promise<void> =>
    await until('in the file', () => readFileSync(log, 'utf8').split('status code').length > times)
  await sendKnocks(client, SERVER_4, ['49213', '7301', '18822'])
  await running.line(/^".*status code/)
  await isWritten(1)
  process.kill(pid, 'SIGHUP')
  await running.line(/^".*re-opening log file/)
  await sendKnocks(client, SERVER_4, ['49213', '7301', '18822'])
  await running.line(/^".*status code/)
  await isWritten(2)
  process.kill(pid, 'SIGTERM')
  await running.ended
  const messages = running.lines.filter((line) => line.startsWith('"'))
  return {
    messages: messages.map((line) => (JSON.parse(line) as string).replace(/>\w{3} [ \d]\d [\d:]{8} /, '>').trimEnd()),
    logged: readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.replace(/^\[[-\d]{10} \d\d:\d\d\] /, '')),
    logMode: (statSync(log).mode & 0o777).toString(8),
    named: found.map((pids) => pids.includes(String(pid))),
  }
}

/** The log file's name is the only thing that may differ. */
const nameless = (seen: Seen): Seen =>
  JSON.parse(JSON.stringify(seen).replaceAll(/\/[^" ]*-(log|knockd\.conf)\b/g, '$1'))

lab('what watches knockd', () => {
  test('sees the same of ours', async () => {
    const real = nameless(await watch([REAL_KNOCKD]))
    expect(real).toMatchObject({ logMode: '644', named: [true, true] })
    expect(real.messages[0]).toBe('<29>knockd: starting up, listening on eth0')
    expect(real.messages).toContain('<29>knockd: re-opening log file: log')
    expect(nameless(await watch(OURS))).toEqual(real)
  })
})
