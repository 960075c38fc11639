import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './net.ts'
import { until, type Process } from './process.ts'
import { probe } from './service.ts'
import { scratch, writeConfig } from './scratch.ts'

/** Debian's nginx. */
const NGINX = '/usr/sbin/nginx'
/** Whether there is one here. */
export const HAS_NGINX = existsSync(NGINX)

const HTTP_PORT = 80
const HTTPS_PORT = 443

/** A web server and what it serves. */
export interface WebServer {
  /** The one that was started last. */
  readonly process: Process
  /** Whatever is written there is served. */
  readonly folder: string
  /** The certificate's file. */
  readonly certificate: string
  /** Starts one that has ended, and returns once it serves. */
  readonly again: () => Promise<void>
}

/** Serves an empty folder over http and https, both families, with a certificate that nobody vouches for. */
export async function startNginx(host: Host): Promise<WebServer> {
  const [folder, state] = [scratch('web'), scratch('nginx')]
  for (const path of [folder, state]) mkdirSync(path)
  const [key, certificate] = [join(state, 'key.pem'), join(state, 'certificate.pem')]
  const made = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=gate.example.org'
  await host.run(['openssl', 'req', '-x509', ...made.split(' '), '-keyout', key, '-out', certificate])
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${state};`)
  const config = writeConfig(
    `user root;
worker_processes 1;
daemon off;
pid ${join(state, 'pid')};
error_log stderr;
events {}
http {
  access_log off;
  ${temporary.join('\n  ')}
  types { text/html html; text/javascript js; application/manifest+json webmanifest; image/png png; }
  default_type application/octet-stream;
  server {
    listen ${HTTP_PORT};
    listen [::]:${HTTP_PORT};
    listen ${HTTPS_PORT} ssl;
    listen [::]:${HTTPS_PORT} ssl;
    ssl_certificate ${certificate};
    ssl_certificate_key ${key};
    root ${folder};
  }
}
`,
    'nginx.conf',
  )
  const start = async (): Promise<Process> => {
    const started = host.start([NGINX, '-e', 'stderr', '-p', state, '-c', config])
    await until('nginx serves', async () => {
      if (started.exit !== undefined) throw new Error(`nginx ended; it printed:\n${started.lines.join('\n')}`)
      return (await probe(host, '127.0.0.1', HTTPS_PORT)) === 'open'
    })
    return started
  }
  let process = await start()
  return {
    get process(): Process {
      return process
    },
    folder,
    certificate,
    again: async (): Promise<void> => {
      if (process.exit !== undefined) process = await start()
    },
  }
}
