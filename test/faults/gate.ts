import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands before a database at one address for good, whichever port the database has: it can be moved and shut. */
export interface Gate {
  readonly port: number
  /** Where new connections go; undefined refuses them. */
  target: number | undefined
  /** Cuts every connection that is open. */
  cut(): void
  close(): Promise<void>
}

export async function openGate(target: number): Promise<Gate> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  }
  const server = createServer((socket) => {
    keep(socket)
    if (gate.target === undefined) return socket.resetAndDestroy()
    const upstream = connect(gate.target, '127.0.0.1')
    keep(upstream)
    socket.pipe(upstream).pipe(socket)
    upstream.on('close', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const gate: Gate = {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    target,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    close: async () => {
      gate.cut()
      server.close()
      await once(server, 'close')
    },
  }
  return gate
}
