// Goal: init asks no node of etcd that cannot have a certificate of the new authority.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { init } from './init.ts'

test('the first run makes all files without a word to etcd', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'operator-'))
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    let text = ''
    const add = (more: string): void => void (text += more)
    const etcd = `https://127.0.0.1:${port}`
    const asked = { name: 'home', etcd, operator: 'alice', from: undefined, 'own-certificates': undefined }
    const code = await init({ ...asked, 'no-passphrase': true, folder }, { out: add, err: add })
    expect([code, connections]).toEqual([0, 0])
    expect(text).toContain('all files are made; etcd does not answer yet')
  } finally {
    server.close()
    rmSync(folder, { recursive: true })
  }
})
