-- CreateIndex
CREATE INDEX "decisions_buyer_id_reserved_at_reservation_id_idx" ON "decisions"("buyer_id", "reserved_at", "reservation_id");
