// Listens to one order until it ends, and prints each event.
//   node listen.mjs ORDER_ID [SINCE]     an order placed before
//   node listen.mjs --new [JSON]         places one and listens to it
// OX_URL says where ox is (http://127.0.0.1:3000). Where it wants a token: OX_CLIENT_ID and OX_CLIENT_SECRET
// of a client, or OX_TOKEN. Exit: 0 confirmed, 1 ended otherwise, 2 not heard.
import WebSocket from 'ws'

const { OX_URL: base = 'http://127.0.0.1:3000', OX_CLIENT_ID, OX_CLIENT_SECRET, OX_TOKEN } = process.env
const [target, argument] = process.argv.slice(2)
const quiet = (error) => {
  console.error(`listen: ${error.cause?.message ?? error.message}`)
  process.exit(2)
}

async function post(path, wanted, headers, body) {
  const answer = await fetch(base + path, { method: 'POST', headers, body })
  const text = await answer.text()
  if (answer.status !== wanted) throw new Error(`${path}: ${answer.status} ${text}`)
  return JSON.parse(text)
}

// login() gives the headers of a client, {} where none is set.
async function login() {
  if (OX_TOKEN) return { authorization: `Bearer ${OX_TOKEN}` }
  if (!OX_CLIENT_ID) return {}
  const form = { grant_type: 'client_credentials', client_id: OX_CLIENT_ID, client_secret: OX_CLIENT_SECRET ?? '' }
  const { access_token } = await post('/oauth/token', 200, {}, new URLSearchParams(form))
  return { authorization: `Bearer ${access_token}` }
}

async function place(headers, body) {
  const order = await post('/api/orders/execute', 201, { ...headers, 'content-type': 'application/json' }, body)
  console.log(`placed     ${JSON.stringify(order)}`)
  return order.orderId
}

// A token never stands in a URL. What opens the socket is a ticket, as in a browser: good once, for 30 s.
async function listen(headers, orderId, since) {
  const url = new URL('/api/orders/execute', base.replace(/^http/, 'ws'))
  url.search = new URLSearchParams({ orderId, since })
  if (headers.authorization)
    url.searchParams.set('ticket', (await post('/api/tickets', 200, headers)).ticket)
  const socket = new WebSocket(url)
  let last
  socket.on('message', (data) => {
    last = JSON.parse(String(data))
    const { seq, status, attempt, timestamp } = last
    console.log(
      `${timestamp}  ${seq}  ${status.padEnd(10)} attempt ${attempt}  ${JSON.stringify(last.data)}`
    )
  })
  socket.on('error', quiet)
  socket.on('close', (code, reason) => {
    if (code !== 1000) quiet(new Error(`closed with ${code} ${reason}`))
    process.exit(last?.phase === 'succeeded' ? 0 : 1)
  })
}

if (!target) quiet(new Error('usage: node listen.mjs ORDER_ID [SINCE] | --new [JSON]'))
try {
  const swap = '{"tokenIn":"SOL","tokenOut":"USDC","amount":1.5,"slippage":0.01}'
  const headers = await login()
  if (target === '--new') await listen(headers, await place(headers, argument ?? swap), 0)
  else await listen(headers, target, argument ?? 0)
} catch (error) {
  quiet(error)
}
