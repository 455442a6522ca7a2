# Kith on PostgreSQL: docker run -e DATABASE_URL=postgres://… -e SECRET_KEY=… -e PUBLIC_URL=https://… -p 8080:8080 kith
FROM node:24-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data NODE_COMPILE_CACHE=/tmp/kith-cache
WORKDIR /app
COPY package.json package-lock.json ./
# The image has Node 24 itself; the embedded database stays, for trying it with a volume at /data.
RUN npm ci --omit=dev --no-audit --no-fund --ignore-scripts && npm cache clean --force
COPY bin bin
COPY migrations migrations
COPY protocols protocols
COPY src src
COPY LICENSE README.md ./
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/ready').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "src/cli.ts"]
CMD ["serve"]
