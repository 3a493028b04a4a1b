// The first week of an integrator, in ten tasks with the client that hey-api generated.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { createClient } from './hey-api/client/index.js';
import * as api from './hey-api/sdk.gen.js';
import type {
  Creator,
  Failure,
  ListCreatorsResponse as CreatorPage,
  PublicEvent,
} from './hey-api/types.gen.js';

const { GOATHERD_ADDRESS: baseUrl, GOATHERD_KEY: firstKey } = process.env;
assert(baseUrl && firstKey, 'The runner gives the address of the server and a key.');

const PATIENTLY = 120_000;
const TAG = 'first week';
const HANDLES = ['goat.00001', 'goat.00002', 'goat.00003'];

/** Repeats a read that comes before the numbers have followed a write. */
async function patientFetch(request: Request): Promise<Response> {
  const answer = await fetch(request.clone());
  const seconds = answer.headers.get('Retry-After');
  if (answer.status !== 503 || !seconds) return answer;
  await pause(Number(seconds) * 1_000);
  return patientFetch(request);
}

const withKey = (auth: string) =>
  createClient({ baseUrl, auth, fetch: patientFetch as typeof fetch });
let client = withKey(firstKey);
let projectId = '';
let creators: Creator[] = [];

type Answer<T> = { data?: T; error?: Failure; response?: Response };

function answered<T>({ data, error, response }: Answer<T>): T {
  assert(data !== undefined, `${response?.url}: ${JSON.stringify(error)}`);
  return data;
}

function refused({ data, error }: Answer<unknown>): Failure['meta'] {
  assert(error !== undefined, `This was to be refused: ${JSON.stringify(data)}`);
  assert.equal(typeof error.error, 'string');
  return error.meta;
}

/** The header with which a read waits for a write. */
function after({ response }: Answer<unknown>) {
  const position = response?.headers.get('Goatherd-Position');
  assert(position, `${response?.url} has a position`);
  return { 'Goatherd-Min-Position': Number(position) };
}

async function until<T>(found: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + PATIENTLY; Date.now() < end; await pause(250)) {
    const value = await found();
    if (value !== undefined) return value;
  }
  throw new Error(`Nothing came in ${PATIENTLY} ms: ${found}`);
}

async function makesAKeyOfItsOwn() {
  const made = await api.createApiKey({
    client,
    body: { name: 'Integration', scopes: ['read', 'write', 'admin'] },
  });
  const { api_key, scopes } = answered(made).data;
  assert.deepEqual([...scopes].sort(), ['admin', 'read', 'write']);

  client = withKey(api_key);
  const keys = answered(await api.listApiKeys({ client, headers: after(made) })).data;
  assert(keys.some((key) => key.name === 'Integration'));
  projectId = answered(
    await api.createProject({ client, body: { name: 'Autumn' } }),
  ).data.id;
}

async function addsCreatorsAndWaitsForTheirScrapes() {
  const tags = [TAG];
  const added = await api.addCreators({
    client,
    path: { project_id: projectId },
    body: {
      creators: ['not a handle', ...HANDLES].map((tiktok_handle) => ({
        tiktok_handle,
        tags,
        tracking_start_date: null,
      })),
    },
  });
  const { data } = answered(added);
  assert('results' in data);
  assert.deepEqual(
    data.results.map((row) => row.status),
    ['failed', 'created', 'created', 'created'],
  );
  assert.equal(data.results[0].code, 'invalid_handle');

  const headers = after(added);
  for (const { creator } of data.results.slice(1)) {
    assert(creator);
    const path = { creator_id: creator.id };
    const jobs = await until(async () => {
      const page = answered(await api.listCreatorScrapes({ client, path, headers }));
      const good = page.data.filter((scrape) => scrape.status === 'succeeded');
      const kinds = new Set(good.map((scrape) => scrape.job_type));
      return kinds.has('creator_profiles') && kinds.has('discover_videos')
        ? good
        : undefined;
    });
    assert(jobs.every((scrape) => scrape.outcome === 'ok'));
  }
  creators = await until(async () => {
    const query = { project_id: projectId };
    const { data: known } = answered(await api.listCreators({ client, query }));
    const isWhole = known.every((row) => row.follower_count && row.last_posted_at);
    return isWhole ? known : undefined;
  });
  assert.equal(creators.length, HANDLES.length);
}

async function listsWithFiltersAndPages() {
  const wanted = {
    project_id: projectId,
    tag: TAG,
    sort: 'follower_count',
    order: 'desc',
  } as const;
  const whole = answered(await api.listCreators({ client, query: wanted }));
  assert.equal(whole.meta.nextCursor, null);
  const counts = whole.data.map((creator) => creator.follower_count ?? 0);
  assert.deepEqual(
    counts,
    [...counts].sort((one, other) => other - one),
  );

  const paged: Creator[] = [];
  let cursor: string | undefined;
  do {
    const query = { ...wanted, limit: 1, cursor };
    const page: CreatorPage = answered(await api.listCreators({ client, query }));
    assert.equal(page.meta.limit, 1);
    paged.push(...page.data);
    cursor = page.meta.nextCursor ?? undefined;
  } while (cursor);
  assert.deepEqual(paged, whole.data);

  const none = answered(
    await api.listCreators({ client, query: { ...wanted, tag: 'other' } }),
  );
  assert.deepEqual(none.data, []);
  const videos = await until(async () => {
    const query = { creator_id: creators[0].id, sort: 'view_count' } as const;
    const { data } = answered(await api.listVideos({ client, query }));
    return data.length ? data : undefined;
  });
  assert(videos.every((video) => video.creator_id === creators[0].id));
}

async function readsSeries() {
  const sum = creators.reduce((all, { follower_count }) => all + follower_count!, 0);
  const [followers, views] = await until(async () => {
    const { data } = answered(
      await api.getAnalytics({
        client,
        query: {
          entity: 'project',
          entity_id: projectId,
          metric: ['followers', 'views'],
          mode: 'cumulative',
          period: '7d',
        },
      }),
    );
    assert(Array.isArray(data));
    return data.every(({ series }) => series[0].total) ? data : undefined;
  });
  assert.deepEqual([followers.metric, views.metric], ['followers', 'views']);
  assert.equal(followers.series[0].total, sum);
  assert.equal(followers.series[0].points.length, views.series[0].points.length);
}

async function renamesAndReadsTheChangeLog() {
  const path = { creator_id: creators[0].id };
  const read = await api.getCreator({ client, path });
  const tag = read.response?.headers.get('ETag');
  assert(tag);
  const headers = { 'If-Match': tag };
  const body = { tiktok_handle: 'goat.renamed', display_name: 'A new name' };
  const changed = await api.changeCreator({ client, path, body, headers });
  assert.equal(answered(changed).data.tiktok_handle, 'goat.renamed');

  const stale = await api.changeCreator({
    client,
    path,
    body: { description: 'From an old copy' },
    headers,
  });
  assert.equal(refused(stale).code, 'version_conflict');

  const log = answered(
    await api.listCreatorHistory({ client, path, headers: after(changed) }),
  ).data;
  const renamed = log.filter((entry) => entry.summary.includes('goat.renamed'));
  assert.equal(renamed.length, 1, JSON.stringify(log.map((entry) => entry.summary)));
  assert.equal(renamed[0].about, 'creator');
  assert.equal(renamed[0].actor_name, 'key Integration');
  creators[0] = answered(changed).data;
}

async function runsACampaignWithALeaderboard() {
  const path = { project_id: projectId };
  const body = { name: 'Launch', target_views: 1_000, target_scope: 'lifetime' } as const;
  const { data: campaign } = answered(await api.createCampaign({ client, path, body }));
  const items = creators.map(({ id }) => ({ item_type: 'creator', item_id: id }) as const);
  const added = await api.addCampaignItems({
    client,
    path: { campaign_id: campaign.id },
    body: { items },
  });
  assert.equal(answered(added).data.id, campaign.id);

  const board = answered(
    await api.getCampaignLeaderboard({
      client,
      query: { project_id: projectId, period: '7d', order: 'views' },
      headers: after(added),
    }),
  );
  assert.equal(board.meta.totalCount, 1);
  const [row] = board.data;
  assert.equal(row.campaign_id, campaign.id);
  assert.equal(row.progress?.target_views, 1_000);
  assert((row.views ?? 0) > 0);
}

async function receivesAWebhookAndVerifiesIt() {
  const received: { headers: Record<string, string>; body: string }[] = [];
  const receiver = createServer(async (request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const headers = request.headers as Record<string, string>;
    received.push({ headers, body: Buffer.concat(parts).toString() });
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  try {
    const { port } = receiver.address() as AddressInfo;
    const { data: webhook } = answered(
      await api.createWebhook({
        client,
        body: { url: `http://127.0.0.1:${port}/`, types: ['creator.disabled'] },
      }),
    );
    const creator = creators[1];
    answered(await api.disableCreator({ client, path: { creator_id: creator.id } }));
    const [{ headers, body }] = await until(async () =>
      received.length ? received : undefined,
    );

    const key = new Webhook(webhook.secret);
    const event = key.verify(body, headers) as PublicEvent;
    assert.equal(event.type, 'creator.disabled');
    assert.equal(event.subject.id, creator.id);
    assert.throws(() => key.verify(body.replace(creator.id, projectId), headers));
  } finally {
    receiver.close();
  }
}

async function repeatsAWriteOnce() {
  const headers = { 'Idempotency-Key': randomUUID() };
  const body = { name: 'Only once' };
  const first = answered(await api.createProject({ client, body, headers })).data;
  const again = await api.createProject({ client, body, headers });
  assert.deepEqual(answered(again).data, first);

  const other = await api.createProject({ client, body: { name: 'Other' }, headers });
  assert.equal(refused(other).code, 'idempotency_key_reused');
  const { data } = answered(await api.listProjects({ client, headers: after(again) }));
  assert.equal(data.filter((project) => project.name === 'Only once').length, 1);
}

async function followsTheStreamOfEvents() {
  const path = { creator_id: creators[2].id };
  const changed = await api.disableCreator({ client, path });
  const types = 'creator.disabled';
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), PATIENTLY);
  const { stream } = await api.streamEvents({
    client,
    query: { after: 0, types },
    signal: ending.signal,
  });
  const seen: PublicEvent[] = [];
  for await (const event of stream) {
    seen.push(event);
    if (event.subject.id === path.creator_id) break;
  }
  clearTimeout(timer);
  ending.abort();
  assert.deepEqual(
    seen.map((event) => event.subject.id),
    [creators[1].id, creators[2].id],
  );
  const feed = await api.listEvents({ client, query: { types }, headers: after(changed) });
  assert.deepEqual(answered(feed).data, seen);
}

async function readsErrorsByTheirTypes() {
  const nothing = await api.getCreator({ client, path: { creator_id: randomUUID() } });
  assert.equal(refused(nothing).code, 'not_found');

  const wrong = await api.createProject({ client, body: { name: '' } });
  const meta = refused(wrong);
  assert.equal(meta.code, 'invalid_body');
  assert.deepEqual(
    meta.fields?.map((field) => field.path),
    ['/name'],
  );
  assert.equal(meta.requestId, wrong.response?.headers.get('X-Request-Id'));

  const made = await api.createApiKey({ client, body: { name: 'Reader', scopes: ['read'] } });
  const { api_key, id } = answered(made).data;
  const reader = withKey(api_key);
  const write = await api.createProject({ client: reader, body: { name: 'Mine' } });
  assert.equal(refused(write).code, 'insufficient_scope');
  answered(await api.revokeApiKey({ client, path: { key_id: id } }));
  const { code } = await until(async () => {
    const ended = await api.listProjects({ client: reader });
    return ended.error && refused(ended);
  });
  assert.equal(code, 'invalid_api_key');
}

const tasks = [
  makesAKeyOfItsOwn,
  addsCreatorsAndWaitsForTheirScrapes,
  listsWithFiltersAndPages,
  readsSeries,
  renamesAndReadsTheChangeLog,
  runsACampaignWithALeaderboard,
  receivesAWebhookAndVerifiesIt,
  repeatsAWriteOnce,
  followsTheStreamOfEvents,
  readsErrorsByTheirTypes,
];

async function main() {
  for (const task of tasks) {
    await task();
    console.log(`  ${task.name}`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
