process ENFORMERVEP_SCORE {
    tag "${meta.id} ${shard}/${shards}"
    label 'process_gpu'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(vcf), val(shard), val(shards)
    tuple val(meta2), path(fasta), path(index)
    path model
    path gtf
    path track_table
    path background

    output:
    tuple val(meta), path(out), path("${out}.*"), emit: scores
    path "versions.yml", emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}.enformer"
    // A folder where finished alleles wait for the next attempt, for which Nextflow makes a new task folder.
    def parts = task.ext.parts ?: ''
    out = "${prefix}.${shard}-of-${shards}.${task.ext.format ?: 'parquet'}"
    // Each in a string, which escapes its name for the shell.
    def files = [vcf, fasta, index, model, gtf, track_table, background].flatten().collect { file -> "${file}" }.join(' ')
    def options = [
        "--fasta ${fasta}",
        model ? "--model ${model}" : '',
        gtf ? "--gtf ${gtf}" : '',
        track_table ? "--track-table ${track_table}" : '',
        background ? "--background ${background}" : '',
        args,
    ].findAll { option -> option }.join(' ')
    """
    version=\$(enformer-vep --version)
    if [ -n '${parts}' ]; then
        inputs=\$(stat --dereference --format '%n %s %Y' ${files})
        key=\$(echo "${options.md5()} \$version \$inputs" | sha256sum | cut -c 1-16)
        parts='${parts}'/"\$key.${shard}-of-${shards}"
    else
        parts=.
    fi
    mkdir -p "\$parts"

    export TF_NUM_INTRAOP_THREADS=${task.cpus}
    enformer-vep score ${vcf} \\
        ${options} \\
        --shard ${shard}/${shards} \\
        --resume \\
        --out "\$parts"/${out}

    if [ "\$parts" != . ]; then
        for file in "\$parts"/${out}*; do
            [ -f "\$file" ] || continue
            ln "\$file" . 2>/dev/null || cp "\$file" .
        done
        rm -r "\$parts"
    fi

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        enformer-vep: \${version##* }
    END_VERSIONS
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}.enformer"
    out = "${prefix}.${shard}-of-${shards}.${task.ext.format ?: 'parquet'}"
    """
    touch ${out} ${out}.skipped.tsv ${out}.run.json

    cat <<-END_VERSIONS > versions.yml
    "${task.process}":
        enformer-vep: \$(enformer-vep --version | sed 's/.* //')
    END_VERSIONS
    """
}
