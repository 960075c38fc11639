import { sendToUnixSocket } from '../native/libc.ts'

/** Reports the daemon's state to the service manager (sd_notify(3)), if there is one. */
export function notify(state: string): void {
  const { NOTIFY_SOCKET } = process.env
  if (NOTIFY_SOCKET !== undefined && NOTIFY_SOCKET !== '') sendToUnixSocket(NOTIFY_SOCKET, state)
}
