# One image per service, all from one file: docker build --target gateway .
# docker-compose.yml builds and wires them.

FROM node:24.19.0-bookworm-slim AS node
WORKDIR /app
COPY package.json package-lock.json .npmrc ./

# The services' packages only. Optional ones belong to the Prisma command and to tsx: the services need neither, since prisma/migrate.ts applies the migrations itself and node 24 strips types.
FROM node AS dependencies
RUN npm ci --omit=dev --omit=optional --ignore-scripts \
 && find node_modules -type f \( -name '*.map' -o -name '*.md' -o -name '*.ts' -o -name '*.mts' -o -name '*.cts' \) -delete \
 # Prisma brings the compiler of every database, twice.
 && find node_modules/@prisma/client/runtime -name 'query_compiler_*' ! -name 'query_compiler_fast_bg.postgresql.*' -delete

# With the development tools, which stay in this stage.
FROM node AS built
RUN npm ci --ignore-scripts
COPY prisma.config.ts tsconfig.json ./
COPY prisma ./prisma
# Generating needs no engine; without this Prisma would download one first.
RUN PRISMA_SCHEMA_ENGINE_BINARY=/bin/true npx --no prisma generate
COPY core/contracts ./core/contracts
COPY web ./web
RUN npx --no vite build web --config web/vite.config.ts

# What node's image is made from, without npm, yarn and the headers.
FROM debian:bookworm-slim AS base
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY docker ./docker
COPY --from=built /app/prisma ./prisma
COPY core ./core
COPY cli ./cli
# The files belong to root, so that the service cannot change them.
USER 1000:1000

# Applies the missing migrations, and exits.
FROM base AS migrate
CMD ["node", "prisma/migrate.ts"]

# Creates the demo sale and its coupons in a running system, and exits.
FROM base AS demo-sale
COPY dev/demo-sale.ts ./dev/
CMD ["node", "dev/demo-sale.ts"]

FROM base AS gateway
COPY gateway ./gateway
COPY --from=built /app/web/dist ./web/dist
EXPOSE 3000
CMD ["node", "gateway/main.ts"]

FROM base AS control-room
COPY control-room ./control-room
COPY --from=built /app/web/dist ./web/dist
EXPOSE 3001
CMD ["node", "control-room/main.ts"]

FROM base AS order-service
COPY order-service ./order-service
EXPOSE 3002
CMD ["node", "order-service/main.ts"]

FROM base AS cancel-worker
COPY cancel-worker ./cancel-worker
EXPOSE 3003
CMD ["node", "cancel-worker/main.ts"]

FROM base AS subscribers
COPY subscribers ./subscribers
EXPOSE 3005
CMD ["node", "subscribers/main.ts"]

FROM base AS payment-provider
COPY payment-provider ./payment-provider
EXPOSE 3004
CMD ["node", "payment-provider/main.ts"]
