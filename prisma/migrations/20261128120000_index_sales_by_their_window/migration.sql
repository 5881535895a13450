-- CreateIndex
CREATE INDEX "sales_closes_at_id_idx" ON "sales"("closes_at", "id");

-- CreateIndex
CREATE INDEX "sales_opens_at_id_idx" ON "sales"("opens_at", "id");
