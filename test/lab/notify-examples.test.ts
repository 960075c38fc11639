// Goal: the scripts of contrib/notify tell of an event whole, whatever its names contain, and report what fails: each runs as
// it is, against a web server on loopback, or a sendmail that keeps what it gets.
import { chmodSync, existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { notificationOf } from '../../src/daemon/notification.ts'
import type { LogEvent } from '../../src/log/event.ts'
import { entryOf } from '../../src/log/format.ts'
import { spawn } from '../../src/native/spawn.ts'
import { PROJECT } from './knockd.ts'
import { run } from './process.ts'
import { scratch } from './scratch.ts'

const EXAMPLES = join(PROJECT, 'contrib/notify')
const FORGED = '/tmp/postern-forged'
/** Names that a shell, a header, JSON or a chat would act on. */
const HOSTILE = [
  `$(touch ${FORGED}) \`touch ${FORGED}\` ; touch ${FORGED} |& "' \\ \\n %s %n`,
  'alice\nBcc: eve@example.org\r\n\r\nbody',
  '<!channel> @everyone <https://evil.example|click> *bold* ","text":"forged',
  'ä€😀\u202E\u0000\u001b]0;x\u0007',
]

interface Got {
  readonly method: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: string
}
let got: Got[] = []
let status = 200
const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    got.push({ method: request.method, headers: request.headers, body: Buffer.concat(parts).toString() })
    response.writeHead(status).end('an answer')
  })
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a-secret`
})
afterAll(() => {
  server.close()
})

const eventOf = (user: string): LogEvent => ({
  kind: 'opened',
  source: '192.0.2.7',
  door: 'ssh',
  what: `tcp/22 for ${user}`,
  seconds: 60,
  user,
})

async function tell(script: string, args: readonly string[], user: string, dropped = 0, more = {}) {
  const event = eventOf(user)
  const { input, environment } = notificationOf(event, entryOf(event, 1_000), dropped)
  const { PATH } = process.env
  const child = spawn(join(EXAMPLES, script), args, {
    env: { PATH, ...environment, ...more },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let printed = ''
  child.stdout.on('data', (part: Buffer) => (printed += part.toString()))
  child.stderr.on('data', (part: Buffer) => (printed += part.toString()))
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const code = await new Promise((resolve) => void child.once('close', resolve))
  expect(existsSync(FORGED)).toBe(false)
  return { code, printed, input, message: environment['POSTERN_MESSAGE']! }
}

function curlConfig(more = ''): string {
  const file = scratch('hook.curl')
  writeFileSync(file, `url = "${url}"\n${more}`, { mode: 0o600 })
  return file
}

describe('chat', () => {
  test.each([...HOSTILE, 'alice'])('%j', async (user) => {
    got = []
    const { code, printed, message } = await tell('chat', [curlConfig()], user)
    expect([code, printed]).toEqual([0, ''])
    expect(got).toHaveLength(1)
    expect(got[0]!.headers['content-type']).toBe('application/json')
    const plain = message.replaceAll(/[<>&@`*]/g, '_')
    expect(JSON.parse(got[0]!.body)).toEqual({ text: `knockd on ${hostname()}: ${plain}` })
  })

  test('another field, what was left out, and a server that refuses', async () => {
    got = []
    await tell('chat', [curlConfig(), 'content'], 'alice', 7)
    expect((JSON.parse(got[0]!.body) as { content: string }).content).toMatch(/before this one, 7 events were left out/)
    status = 404
    const { code, printed } = await tell('chat', [curlConfig()], 'alice')
    status = 200
    expect([code, printed]).toEqual([22, expect.stringMatching(/404/)])
  })
})

describe('ntfy', () => {
  test.each([...HOSTILE, 'alice'])('%j', async (user) => {
    got = []
    const file = curlConfig('header = "Authorization: Bearer a-token"\n')
    const { code, printed, message } = await tell('ntfy', [file], user, 3)
    expect([code, printed]).toEqual([0, ''])
    expect(got).toMatchObject([
      {
        method: 'POST',
        headers: { authorization: 'Bearer a-token', title: `knockd on ${hostname()}: opened` },
        body: `${message} (before this one, 3 events were left out)`,
      },
    ])
  })
})

describe('mail', () => {
  const folder = scratch('sendmail')
  const sendmail = `${folder}-program`
  beforeAll(() => {
    writeFileSync(sendmail, `#!/bin/sh\nprintf '%s\\n' "$@" >${folder}.args\ncat >${folder}.mail\n`)
    chmodSync(sendmail, 0o755)
  })

  test.each([...HOSTILE, 'alice'])('%j', async (user) => {
    const { code, printed, input, message } = await tell('mail', ['root@example.org'], user, 2, { SENDMAIL: sendmail })
    expect([code, printed]).toEqual([0, ''])
    expect(readFileSync(`${folder}.args`, 'utf8')).toBe('-i\nroot@example.org\n')
    const mail = readFileSync(`${folder}.mail`, 'utf8')
    const head = mail.slice(0, mail.indexOf('\n\n'))
    const body = mail.slice(mail.indexOf('\n\n') + 2)
    expect(head.split('\n')).toEqual([
      'To: root@example.org',
      `Subject: knockd on ${hostname()}: opened`,
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
    ])
    expect(body.startsWith(`${message}\n\nat: 1970-01-01T`)).toBe(true)
    expect(body).toContain('before this one, 2 events were left out')
    expect(body.endsWith(input)).toBe(true)
  })

  test('a recipient that would be an option is refused', async () => {
    const { code, printed } = await tell('mail', ['-bd'], 'alice', 0, { SENDMAIL: sendmail })
    expect([code, printed]).toEqual([2, 'mail: not a recipient: -bd\n'])
  })

  test('what sendmail says is reported', async () => {
    const { code } = await tell('mail', ['root'], 'alice', 0, { SENDMAIL: '/bin/false' })
    expect(code).not.toBe(0)
  })
})

describe('all of them', () => {
  test.each(readdirSync(EXAMPLES))(
    '%s is executable, in POSIX sh, without eval, and refuses to run without its argument',
    async (name) => {
      const file = join(EXAMPLES, name)
      expect(statSync(file).mode & 0o111).toBe(0o111)
      const text = readFileSync(file, 'utf8')
      expect(text).toMatch(/^#!\/bin\/sh\n/)
      expect(text).not.toMatch(/\beval\b/)
      await run(['sh', '-n', file])
      const { code } = await tell(name, [], 'alice')
      expect(code).not.toBe(0)
    },
  )

  test.skipIf(!existsSync('/usr/bin/shellcheck'))('shellcheck has nothing to say', async () => {
    await run(['shellcheck', ...readdirSync(EXAMPLES).map((name) => join(EXAMPLES, name))])
  })
})
