// Goal: our client opens the real fwknopd, with every kind of key that daemon takes, for the address it says; and what it
// says is open is open.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { sample } from '../slow.ts'
import { dropAll } from './firewall.ts'
import { knock } from './knockd.ts'
import { CLIENT_4, lab, pair, SERVER_4 } from './net.ts'
import type { Host } from './net.ts'
import type { Output, Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { canConnect, serveTcp } from './service.ts'

const FWKNOPD = '/usr/sbin/fwknopd'
const PORT = 22
/** Seconds fwknopd keeps a door open in these tests, unless a packet asks for less. */
const OPEN_S = 60

const base64 = (start: number, length: number): string =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => (start + index) & 255)).toString('base64')

/** The same words stand in both sides' files: a stanza for each kind of key. */
const KEYS: Readonly<Record<string, string>> = {
  plain: `KEY_BASE64 ${base64(1, 32)}\n`,
  hmac: `KEY_BASE64 ${base64(2, 32)}\nHMAC_KEY_BASE64 ${base64(70, 64)}\n`,
  sha512: `KEY_BASE64 ${base64(3, 32)}\nHMAC_KEY_BASE64 ${base64(71, 64)}\nHMAC_DIGEST_TYPE sha512\n`,
  sha3: `KEY_BASE64 ${base64(4, 32)}\nHMAC_KEY_BASE64 ${base64(72, 64)}\nHMAC_DIGEST_TYPE SHA3_256\n`,
  ctr: `KEY_BASE64 ${base64(5, 32)}\nENCRYPTION_MODE ctr\n`,
  legacy: 'KEY shortpw\nENCRYPTION_MODE legacy\n',
  passphrase: 'KEY a-longer-passphrase\nHMAC_KEY another-one\n',
}

const accessConf = (): string =>
  Object.values(KEYS)
    .map((keys) => `SOURCE ANY\nOPEN_PORTS tcp/${PORT},tcp/80\nFW_ACCESS_TIMEOUT ${OPEN_S}\n${keys}\n`)
    .join('')

const fwknoprc = (): string =>
  Object.entries(KEYS)
    .map(
      ([name, keys]) =>
        `[${name}]\nSPA_SERVER ${SERVER_4}\nACCESS tcp/${PORT}\nSPOOF_USER a-user-with-a-long-name\n${keys}\n`,
    )
    .join('')

lab('knock --spa fwknop', () => {
  let server: Host
  let client: Host
  let fwknopd: Process
  let home: string

  beforeAll(async () => {
    expect(existsSync(FWKNOPD)).toBe(true)
    ;({ server, client } = await pair())
    await serveTcp(server, PORT)
    await dropAll(server)
    fwknopd = await startFwknopd(server, accessConf())
    home = scratch('home')
    mkdirSync(home)
    writeFileSync(join(home, '.fwknoprc'), fwknoprc(), { mode: 0o600 })
  })

  beforeEach(async () => {
    // Sooner than fwknopd would.
    await server.run(['iptables', '-F', 'FWKNOP_INPUT'])
  })

  const ask = async (...args: readonly string[]): Promise<Output> =>
    knock(client, ['--spa', 'fwknop', ...args], { env: { HOME: home } })

  // The others differ from one of these by a digest alone.
  const kinds = sample(Object.keys(KEYS), (name) => name !== 'plain' && name !== 'sha512')
  test.each(kinds)('opens the door of a stanza with keys: %s', async (name) => {
    expect(await canConnect(client, SERVER_4, PORT)).toBe(false)
    const { code, stdout, stderr } = await ask('-n', name, '--verify', `tcp/${PORT}`)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`asked ${SERVER_4} (udp 62201) for tcp/${PORT}, for ${CLIENT_4}\n`)
    expect(await rules(server)).toEqual([`${CLIENT_4} ${PORT}`])
  })

  const digests = sample(['md5', 'sha1', 'sha384', 'sha512', 'sha3_256', 'sha3_512'], (name) =>
    /md5|sha3_512/.test(name),
  )
  test.each(digests)('digest %s', async (digest) => {
    const file = join(home, 'digest')
    writeFileSync(file, fwknoprc().replace('[hmac]\n', `[hmac]\nDIGEST_TYPE ${digest}\n`), { mode: 0o600 })
    const { code, stderr } = await ask('hmac', '--rc-file', file, '--verify', `tcp/${PORT}`)
    expect([code, stderr]).toEqual([0, ''])
  })

  test('for another address than its own, for two ports', async () => {
    const { code, stdout } = await ask('hmac', '-a', '198.51.100.7', '-A', `tcp/${PORT},tcp/80`)
    expect([code, stdout]).toEqual([0, `asked ${SERVER_4} (udp 62201) for tcp/22,tcp/80, for 198.51.100.7\n`])
    await expect.poll(async () => rules(server)).toEqual(['198.51.100.7 22', '198.51.100.7 80'])
  })

  test('for the address that it seems to come from, for the time it asks for', async () => {
    expect((await ask('hmac', '-a', 'source', '-f', '4s', '--verify', `tcp/${PORT}`)).code).toBe(0)
    expect(await rules(server)).toEqual([`${CLIENT_4} ${PORT}`])
    await expect.poll(async () => rules(server), { timeout: (OPEN_S * 1_000) / 2, interval: 100 }).toEqual([])
  })

  test('says that it is not open where the port is not allowed, and where the key is another', async () => {
    const file = join(home, 'other')
    writeFileSync(file, fwknoprc().replace(base64(70, 64), base64(90, 64)), { mode: 0o600 })
    const [refused, unknown] = await Promise.all([
      ask('hmac', '-A', 'tcp/23', '--verify', 'tcp/23'),
      ask('hmac', '--rc-file', file, '--verify', `tcp/${PORT}`),
    ])
    expect([refused.code, refused.stderr]).toEqual([1, `knock: tcp ${SERVER_4}:23 is not open\n`])
    expect(unknown.code).toBe(1)
    expect(await rules(server)).toEqual([])
  })

  test('opens through GnuPG too', async () => {
    await fwknopd.stop()
    const gnupg = scratch('gnupg')
    mkdirSync(gnupg, { mode: 0o700 })
    const gpg = (...args: readonly string[]): string =>
      execFileSync('gpg', ['--homedir', gnupg, '--batch', '--quiet', ...args], {
        stdio: ['ignore', 'pipe', 'ignore'],
      }).toString()
    const ids = ['server', 'client'].map((name) => {
      gpg('--passphrase', '', '--quick-generate-key', `${name}@example.org`, 'rsa2048', 'default', 'never')
      const id = /^fpr:+([0-9A-F]+):/m.exec(gpg('--with-colons', '--list-keys', `${name}@example.org`))![1]!
      gpg('--passphrase', '', '--quick-add-key', id, 'rsa2048', 'encr', 'never')
      return id
    })
    try {
      const access = `SOURCE ANY\nOPEN_PORTS tcp/${PORT}\nFW_ACCESS_TIMEOUT ${OPEN_S}\nGPG_HOME_DIR ${gnupg}\n`
      const own = `GPG_DECRYPT_ID ${ids[0]!.slice(-8)}\nGPG_ALLOW_NO_PW Y\nGPG_REMOTE_ID ${ids[1]!.slice(-8)}\n`
      const hmac = `HMAC_KEY_BASE64 ${base64(73, 64)}\n`
      fwknopd = await startFwknopd(server, access + own + hmac)
      const file = join(home, 'gnupg')
      const rc = `[gate]\nSPA_SERVER ${SERVER_4}\nACCESS tcp/${PORT}\nUSE_GPG Y\nGPG_HOMEDIR ${gnupg}\n`
      writeFileSync(file, `${rc}GPG_RECIPIENT ${ids[0]}\nGPG_SIGNER ${ids[1]}\n${hmac}`, { mode: 0o600 })
      const { code, stderr } = await ask('gate', '--rc-file', file, '--verify', `tcp/${PORT}`)
      expect([code, stderr]).toEqual([0, ''])
      expect(await rules(server)).toEqual([`${CLIENT_4} ${PORT}`])
    } finally {
      execFileSync('gpgconf', ['--homedir', gnupg, '--kill', 'all'])
    }
  })
})

lab('knock --spa fwknop --nat-local', () => {
  test('connects to a port of the server through another one', async () => {
    const { server, client } = await pair()
    await serveTcp(server, PORT)
    await dropAll(server)
    const access = `SOURCE ANY\nOPEN_PORTS tcp/${PORT},tcp/2222\nFW_ACCESS_TIMEOUT 30\n${KEYS['hmac']}`
    await startFwknopd(server, access, 'ENABLE_IPT_LOCAL_NAT Y;\nENABLE_IPT_FORWARDING Y;\n')
    const home = scratch('home')
    mkdirSync(home)
    writeFileSync(join(home, '.fwknoprc'), fwknoprc(), { mode: 0o600 })
    const words = ['--spa', 'fwknop', '-n', 'hmac', '-A', `tcp/${PORT}`, '--nat-local', '--nat-port', '2222']
    const { code, stderr } = await knock(client, [...words, '--verify', 'tcp/2222'], { env: { HOME: home } })
    expect([code, stderr]).toEqual([0, ''])
  })
})

/** Debian's fwknopd on a host's `eth0`, running by the time this returns. */
async function startFwknopd(host: Host, access: string, more = ''): Promise<Process> {
  const folder = scratch('fwknop')
  mkdirSync(folder, { mode: 0o700 })
  const config = `PCAP_INTF eth0;\nFWKNOP_RUN_DIR ${folder};\nFWKNOP_CONF_DIR ${folder};\nPCAP_LOOP_SLEEP 20000;\n${more}`
  const files = ['-c', writeConfig(config, 'fwknopd.conf'), '-a', writeConfig(access, 'access.conf')]
  const daemon = host.start([FWKNOPD, '-f', ...files])
  await daemon.line(/main event loop/)
  return daemon
}

/** What is open in fwknopd's chain: `ADDRESS PORT`, in order. */
async function rules(host: Host): Promise<readonly string[]> {
  const { stdout } = await host.run(['iptables', '-n', '-L', 'FWKNOP_INPUT'])
  return stdout
    .split('\n')
    .flatMap((line) => {
      const [, source, port] = /^ACCEPT\s.*?\s(\d+\.\d+\.\d+\.\d+)\s.*dpt:(\d+)/.exec(line) ?? []
      return source === undefined ? [] : [`${source} ${port}`]
    })
    .sort()
}
