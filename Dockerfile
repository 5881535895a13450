# One image per service, all from one file: docker build --target gateway .
# docker-compose.yml builds and wires them.

FROM node:24.19.0-bookworm-slim AS node
WORKDIR /app

FROM node AS dependencies
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM dependencies AS generated
COPY prisma.config.ts ./
COPY prisma ./prisma
# Generating needs no engine; without this Prisma would download one first.
RUN PRISMA_SCHEMA_ENGINE_BINARY=/bin/true npx --no prisma generate

# With the development tools, which stay in this stage.
FROM node AS pages
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY core/contracts ./core/contracts
COPY web ./web
RUN npx --no vite build web --config web/vite.config.ts

FROM node AS base
ENV NODE_ENV=production HOST=0.0.0.0
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json tsconfig.json ./
COPY --from=generated /app/prisma ./prisma
COPY core ./core
# The files belong to root: the service can read them and not change them.
USER node

# Applies the migrations that are missing, once, and ends.
FROM base AS migrate
CMD ["node", "--import", "tsx", "prisma/migrate.ts"]

FROM base AS gateway
COPY gateway ./gateway
COPY --from=pages /app/web/dist ./web/dist
EXPOSE 3000
CMD ["node", "--import", "tsx", "gateway/main.ts"]

FROM base AS control-room
COPY control-room ./control-room
COPY --from=pages /app/web/dist ./web/dist
EXPOSE 3001
CMD ["node", "--import", "tsx", "control-room/main.ts"]

FROM base AS order-service
COPY order-service ./order-service
EXPOSE 3002
CMD ["node", "--import", "tsx", "order-service/main.ts"]

FROM base AS cancel-worker
COPY cancel-worker ./cancel-worker
EXPOSE 3003
CMD ["node", "--import", "tsx", "cancel-worker/main.ts"]

FROM base AS subscribers
COPY subscribers ./subscribers
EXPOSE 3005
CMD ["node", "--import", "tsx", "subscribers/main.ts"]

FROM base AS payment-provider
COPY payment-provider ./payment-provider
EXPOSE 3004
CMD ["node", "--import", "tsx", "payment-provider/main.ts"]
