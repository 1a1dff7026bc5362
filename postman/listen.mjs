// Listens to one order until it ends, and prints each event.
//   node listen.mjs ORDER_ID [SINCE]     an order placed before
//   node listen.mjs --new [JSON]         places one and upgrades to its WebSocket
// OX_URL says where ox is (http://127.0.0.1:3000). Exit: 0 confirmed, 1 ended otherwise, 2 not heard.
import WebSocket from 'ws'

const base = process.env.OX_URL ?? 'http://127.0.0.1:3000'
const [target, argument] = process.argv.slice(2)
const quiet = (error) => {
  console.error(`listen: ${error.message}`)
  process.exit(2)
}

async function place(body) {
  const answer = await fetch(`${base}/api/orders/execute`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body
  })
  const text = await answer.text()
  if (answer.status !== 201) throw new Error(`${answer.status} ${text}`)
  console.log(`placed     ${text}`)
  return JSON.parse(text).orderId
}

function listen(orderId, since) {
  const url = `${base.replace(/^http/, 'ws')}/api/orders/execute?orderId=${orderId}&since=${since}`
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
  if (target === '--new') listen(await place(argument ?? swap), 0)
  else listen(encodeURIComponent(target), argument ?? 0)
} catch (error) {
  quiet(error)
}
